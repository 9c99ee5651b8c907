internal import PipelineCore

/// The written forms of numbers, durations, sizes and shares. Each returns nil for anything else.
package enum ScalarForms {
    /// Decimal digits with an optional sign; no leading zero, so nobody has to wonder about octal.
    static func integer(_ text: some StringProtocol) -> Int? {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard isDigits(digits), digits.count == 1 || !digits.hasPrefix("0") else { return nil }
        return Int(text)
    }

    /// A decimal number, with fraction and exponent where needed; never infinite.
    static func number(_ text: String) -> Double? {
        var rest = text[...]
        if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
        let mantissa = rest.prefix { $0 != "e" && $0 != "E" }
        guard isDecimal(mantissa) else { return nil }
        rest = rest.dropFirst(mantissa.count)
        if !rest.isEmpty {
            rest = rest.dropFirst()
            if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
            guard isDigits(rest) else { return nil }
        }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// `500ms`, `20s`, `5m`, `1h`, `1d`
    package static func duration(_ text: String) -> Duration? {
        guard let (count, unit) = countAndUnit(text) else { return nil }
        switch unit {
        case "ms": return .milliseconds(count)
        case "s": return .seconds(count)
        case "m": return scaled(count, 60).map { .seconds($0) }
        case "h": return scaled(count, 3_600).map { .seconds($0) }
        case "d": return scaled(count, 86_400).map { .seconds($0) }
        default: return nil
        }
    }

    /// `512B`, `64KB`, `256MB`, `1GB`, in powers of 1,024
    static func size(_ text: String) -> Int? {
        guard let (count, unit) = countAndUnit(text) else { return nil }
        switch unit {
        case "B": return count
        case "KB": return scaled(count, 1 << 10)
        case "MB": return scaled(count, 1 << 20)
        case "GB": return scaled(count, 1 << 30)
        default: return nil
        }
    }

    /// `1%`, `0.5%`
    static func share(_ text: String) -> ShareOrCount? {
        guard text.hasSuffix("%") else { return nil }
        let number = text.dropLast()
        guard isDecimal(number), let percent = Double(number), percent <= 100 else { return nil }
        let whole = number.prefix { $0 != "." }
        guard whole.count == 1 || !whole.hasPrefix("0") else { return nil }
        return .share(percent / 100)
    }

    /// A duration as fingerprints have it.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds == 0 else { return "\(seconds * 1_000 + milliseconds)ms" }
        if seconds != 0, seconds.isMultiple(of: 3_600) { return "\(seconds / 3_600)h" }
        if seconds != 0, seconds.isMultiple(of: 60) { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    /// A duration as it would be written.
    static func shown(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let isWhole =
            duration.components.attoseconds == 0 && seconds != 0 && seconds.isMultiple(of: 86_400)
        return isWhole ? "\(seconds / 86_400)d" : text(duration)
    }

    /// A size as it would be written.
    static func text(size bytes: Int) -> String {
        for (unit, shift) in [("GB", 30), ("MB", 20), ("KB", 10)]
        where bytes != 0 && bytes.isMultiple(of: 1 << shift) {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)B"
    }

    // MARK: What was meant

    private static let durationWords: [(unit: String, days: Int, words: [String])] = [
        ("ms", 1, ["ms", "msec", "msecs", "millisecond", "milliseconds"]),
        ("s", 1, ["s", "sec", "secs", "second", "seconds"]),
        ("m", 1, ["m", "min", "mins", "minute", "minutes"]),
        ("h", 1, ["h", "hr", "hrs", "hour", "hours"]), ("d", 1, ["d", "day", "days"]),
        ("d", 7, ["w", "week", "weeks"]),
    ]

    /// `2 minutes` as `2m`; nil for what has another meaning.
    static func meantDuration(_ text: String) -> String? {
        guard let (count, rest) = countAndUnit(text) else { return nil }
        let word = rest.drop { $0 == " " }.lowercased()
        guard let unit = durationWords.first(where: { $0.words.contains(word) }) else { return nil }
        return "\(count * unit.days)\(unit.unit)"
    }

    /// `0.95` as `95%`, `20 %` as `20%`; nil for what has another meaning.
    static func meantShare(_ text: String) -> String? {
        let dense = text.filter { $0 != " " }
        if dense != text, share(dense) != nil { return dense }
        guard text.hasPrefix("0."), let part = number(text), part > 0 else { return nil }
        // Rounded, so that 0.07 is no 7.000000000000001%.
        let percent = (part * 1e8).rounded() / 1e6
        return percent == percent.rounded() ? "\(Int(percent))%" : "\(percent)%"
    }

    private static func countAndUnit(_ text: String) -> (Int, Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard isDigits(digits), digits.count == 1 || !digits.hasPrefix("0"), let count = Int(digits)
        else { return nil }
        // Far beyond all use, and every unit still fits its type.
        guard count <= 1 << 40 else { return nil }
        return (count, text[digits.endIndex...])
    }

    private static func scaled(_ count: Int, _ factor: Int) -> Int? {
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    private static func isDecimal(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count) && parts.allSatisfy(isDigits)
    }

    private static func isDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
