/// An instant as SigV4 writes it, to the second, in UTC.
public struct SigningTime: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let unixSeconds: Int

    public init(unixSeconds: Int) { self.unixSeconds = unixSeconds }

    /// Reads `20250102T030405Z`; nil for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z"),
            let year = decimal(bytes[0..<4]), let month = decimal(bytes[4..<6]), let day = decimal(bytes[6..<8]),
            let hour = decimal(bytes[9..<11]), let minute = decimal(bytes[11..<13]),
            let second = decimal(bytes[13..<15]),
            let date = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        unixSeconds = date.unixSeconds
    }

    /// `20250102T030405Z`, the value of `X-Amz-Date`.
    public var text: String {
        let civil = CivilTime(unixSeconds: unixSeconds)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        Self.appendDay(civil, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        appendDecimal(civil.hour, digits: 2, to: &bytes)
        appendDecimal(civil.minute, digits: 2, to: &bytes)
        appendDecimal(civil.second, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `20250102`, the day of a credential scope.
    public var day: String {
        var bytes: [UInt8] = []
        Self.appendDay(CivilTime(unixSeconds: unixSeconds), to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendDay(_ civil: CivilTime, to bytes: inout [UInt8]) {
        appendDecimal(civil.year, digits: 4, to: &bytes)
        appendDecimal(civil.month, digits: 2, to: &bytes)
        appendDecimal(civil.day, digits: 2, to: &bytes)
    }
}

/// An instant in the parts of the proleptic Gregorian calendar, in UTC.
struct CivilTime: Hashable {
    var year: Int
    var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    var second: Int

    /// Nil where the parts name no instant. A leap second (`:60`) counts as the second that follows it.
    init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        guard (1...12).contains(month), (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[month - 1]).contains(day) else { return nil }
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// Howard Hinnant's `civil_from_days`.
    init(unixSeconds: Int) {
        let (days, rest) = unixSeconds.flooredQuotientAndRemainder(dividingBy: 86_400)
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.flooredQuotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = rest / 3600
        minute = rest % 3600 / 60
        second = rest % 60
    }

    /// Howard Hinnant's `days_from_civil`.
    var unixSeconds: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredQuotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// From 0, which is Sunday.
    var weekday: Int {
        (unixSeconds.flooredQuotientAndRemainder(dividingBy: 86_400).quotient + 4)
            .flooredQuotientAndRemainder(dividingBy: 7).remainder
    }
}

extension Int {
    fileprivate func flooredQuotientAndRemainder(dividingBy divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Nil where something else than digits stands there, or a number beyond all dates: it may come from anybody.
func decimal(_ digits: some Sequence<UInt8>) -> Int? {
    var value = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit), value < 100_000_000 else { return nil }
        value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value
}

func appendDecimal(_ value: Int, digits: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
        divisor /= 10
    }
}
