internal import PipelineCore

/// The text of a date, read into canonical form.
struct DateText {
    /// `2026-01-02T03:04:05.678Z`, nil where the text says no moment.
    var canonical: [UInt8]?
    /// The text is in canonical form, so that nothing of it is lost.
    var isExact: Bool

    /// Reads RFC 3339 and its relatives of ISO 8601: `T`, `t` or a space between date and time; seconds or none; a
    /// fraction of any number of digits behind a point or a comma, cut to milliseconds; `Z`, `z` or an offset `+hh`,
    /// `+hhmm`, `+hh:mm`. Dates are real dates of the years 1 to 9999. A time without an offset says no moment, nor does
    /// a leap second or hour 24.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        isExact = false
        var reader = Reader(rest: text[...])
        guard let moment = Moment(&reader), reader.rest.isEmpty, let canonical = moment.canonical else { return }
        self.canonical = canonical
        isExact = canonical.elementsEqual(text)
    }
}

/// Takes fields off the front of a text.
private struct Reader {
    var rest: Slice<UnsafeBufferPointer<UInt8>>

    mutating func digits(_ count: Int) -> Int? {
        guard rest.count >= count else { return nil }
        var value = 0
        for byte in rest.prefix(count) {
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        rest = rest.dropFirst(count)
        return value
    }

    mutating func take(_ choices: Unicode.Scalar...) -> Unicode.Scalar? {
        guard let byte = rest.first, choices.contains(Unicode.Scalar(byte)) else { return nil }
        rest = rest.dropFirst()
        return Unicode.Scalar(byte)
    }

    /// The first three digits of a fraction; the others are taken too.
    mutating func milliseconds() -> Int? {
        var value = 0
        var count = 0
        while let byte = rest.first, byte &- UInt8(ascii: "0") < 10 {
            if count < 3 { value = value * 10 + Int(byte - UInt8(ascii: "0")) }
            count += 1
            rest = rest.dropFirst()
        }
        guard count > 0 else { return nil }
        while count < 3 {
            value *= 10
            count += 1
        }
        return value
    }
}

/// A moment, in days since 1970-01-01 and milliseconds of its day, in UTC.
private struct Moment {
    var day: Int
    var millisecond: Int

    init?(_ reader: inout Reader) {
        guard let year = reader.digits(4), reader.take("-") != nil, let month = reader.digits(2),
            reader.take("-") != nil, let dayOfMonth = reader.digits(2), reader.take("T", "t", " ") != nil,
            let hour = reader.digits(2), reader.take(":") != nil, let minute = reader.digits(2)
        else { return nil }
        var second = 0
        var fraction = 0
        if reader.take(":") != nil {
            guard let seconds = reader.digits(2) else { return nil }
            second = seconds
            if reader.take(".", ",") != nil {
                guard let milliseconds = reader.milliseconds() else { return nil }
                fraction = milliseconds
            }
        }
        guard let offset = Self.offset(&reader) else { return nil }
        guard year >= 1, (1...12).contains(month), (1...Self.days(inMonth: month, of: year)).contains(dayOfMonth),
            hour < 24, minute < 60, second < 60
        else { return nil }
        day = Self.day(year, month, dayOfMonth)
        millisecond = ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction
        let shift = millisecond >= 0 ? millisecond / 86_400_000 : -1
        day += shift
        millisecond -= shift * 86_400_000
    }

    /// Minutes ahead of UTC.
    private static func offset(_ reader: inout Reader) -> Int? {
        guard let sign = reader.take("Z", "z", "+", "-") else { return nil }
        if sign == "Z" || sign == "z" { return 0 }
        guard let hours = reader.digits(2), hours < 24 else { return nil }
        var minutes = 0
        if reader.take(":") != nil || !reader.rest.isEmpty {
            guard let written = reader.digits(2), written < 60 else { return nil }
            minutes = written
        }
        return (sign == "-" ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years that begin in March.
    private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private var date: (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Nil beyond the years 1 to 9999, which an offset may lead to.
    var canonical: [UInt8]? {
        let (year, month, day) = date
        guard (1...9999).contains(year) else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(24)
        func append(_ number: Int, _ width: Int, _ separator: Unicode.Scalar) {
            var divisor = 1
            for _ in 1..<width { divisor *= 10 }
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                divisor /= 10
            }
            text.append(UInt8(ascii: separator))
        }
        append(year, 4, "-")
        append(month, 2, "-")
        append(day, 2, "T")
        append(millisecond / 3_600_000, 2, ":")
        append(millisecond / 60_000 % 60, 2, ":")
        append(millisecond / 1000 % 60, 2, ".")
        append(millisecond % 1000, 3, "Z")
        return text
    }
}

extension DateText {
    /// - Parameter value: a string.
    init(_ value: TapeNode, _ contents: TapeContents) {
        self = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(Int(value.length), 1)) { scratch in
            guard let start = scratch.baseAddress else { return DateText(UnsafeBufferPointer(scratch)) }
            return DateText(UnsafeBufferPointer(start: start, count: contents.decode(value, into: start)))
        }
    }

    /// Whether text is in canonical form and says a real moment: what nearly all dates do, found out without a copy.
    @inline(__always)
    static func isCanonical(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count == 24, let base = text.baseAddress else { return false }
        // Each byte against its lowest and highest; the days of months 29 to 31 are left to the long way.
        for (index, range) in pattern.enumerated() where base[index] < range.0 || base[index] > range.1 { return false }
        let month = Int(base[5] &- 48) * 10 + Int(base[6] &- 48)
        let day = Int(base[8] &- 48) * 10 + Int(base[9] &- 48)
        let hour = Int(base[11] &- 48) * 10 + Int(base[12] &- 48)
        let hasYear = base[0] | base[1] | base[2] | base[3] != UInt8(ascii: "0")
        if day > 28 { return DateText(text).isExact }
        return hasYear && month >= 1 && month <= 12 && day >= 1 && hour < 24
    }

    private static let pattern: [(UInt8, UInt8)] = "dddd-dd-ddTdd:6d:6d.dddZ".utf8.map {
        switch $0 {
        case UInt8(ascii: "d"): (UInt8(ascii: "0"), UInt8(ascii: "9"))
        case UInt8(ascii: "6"): (UInt8(ascii: "0"), UInt8(ascii: "5"))
        default: ($0, $0)
        }
    }
}
