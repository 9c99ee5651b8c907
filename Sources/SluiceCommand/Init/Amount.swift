internal import PipelineCore

/// Counts that may be estimates, and shares.
enum Amount {
    /// `1 record`, `about 250,000 records`
    static func of(_ count: InputCount, _ noun: String) -> String {
        count.isExact ? CountText.of(count.records, noun) : "about \(CountText.of(rounded(count.records), noun))"
    }

    /// `250,000`, for a column of numbers.
    static func number(_ count: InputCount) -> String {
        count.isExact ? CountText.of(count.records) : "about \(CountText.of(rounded(count.records)))"
    }

    /// An estimate has no more than two digits that mean something.
    private static func rounded(_ number: Int) -> Int {
        var unit = 1
        while number / unit >= 100 { unit *= 10 }
        return (number + unit / 2) / unit * unit
    }

    /// `98 %`: never rounded to all or to nothing.
    static func share(_ part: Int, of whole: Int) -> String {
        guard whole > 0, part > 0 else { return "0 %" }
        if part >= whole { return "100 %" }
        let percent = part * 100 / whole
        return percent == 0 ? "<1 %" : "\(percent) %"
    }
}
