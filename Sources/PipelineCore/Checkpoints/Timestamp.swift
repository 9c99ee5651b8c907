internal import Glibc

/// A moment in UTC, to the millisecond: a run's logical date, and the times in its record.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The present moment.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Whole seconds, as run IDs hold them.
    public var wholeSecond: Timestamp {
        Timestamp(milliseconds: milliseconds >= 0 ? milliseconds / 1000 * 1000 : (milliseconds - 999) / 1000 * 1000)
    }

    /// The next second.
    public var next: Timestamp { Timestamp(milliseconds: wholeSecond.milliseconds + 1000) }

    /// Reads `2026-11-23`, `2026-11-23T04:00:00Z`, `2026-11-23T04:00:00.000Z`, `20261123T040000Z`, and the offsets
    /// `+01:00` or `+0100` in place of `Z`; nil for anything else, for a day that doesn't exist, and for a moment that an
    /// offset moves out of the years 1 to 9999 in UTC: texts and run IDs have four digits for the year.
    public init?(_ text: String) {
        var digits = Substring(text)
        func take(_ count: Int, in range: ClosedRange<Int32>) -> Int32? {
            let part = digits.prefix(count)
            guard part.utf8.count == count, part.utf8.allSatisfy({ (48...57).contains($0) }), let value = Int32(part),
                range.contains(value)
            else { return nil }
            digits = digits.dropFirst(count)
            return value
        }
        func skip(_ character: Character) -> Bool {
            guard digits.first == character else { return false }
            digits = digits.dropFirst()
            return true
        }
        guard let year = take(4, in: 1...9999) else { return nil }
        let extended = skip("-")
        guard let month = take(2, in: 1...12), !extended || skip("-"), let day = take(2, in: 1...31) else { return nil }
        var time = tm()
        time.tm_year = year - 1900
        time.tm_mon = month - 1
        time.tm_mday = day
        var offset: Int64 = 0
        if !digits.isEmpty {
            guard skip("T") || skip("t") || skip(" "), let hour = take(2, in: 0...23), !extended || skip(":"),
                let minute = take(2, in: 0...59), !extended || skip(":"), let second = take(2, in: 0...59)
            else { return nil }
            time.tm_hour = hour
            time.tm_min = minute
            time.tm_sec = second
            if skip(".") {
                let fraction = digits.prefix { $0.isASCII && $0.isNumber }
                guard !fraction.isEmpty, fraction.allSatisfy({ $0 == "0" }) else { return nil }
                digits = digits.dropFirst(fraction.count)
            }
            if skip("+") || digits.first == "-" {
                let negative = skip("-")
                guard let hours = take(2, in: 0...23) else { return nil }
                _ = skip(":")
                guard let minutes = take(2, in: 0...59) else { return nil }
                offset = Int64(hours * 3600 + minutes * 60) * (negative ? -1 : 1)
            } else {
                guard skip("Z") || skip("z") else { return nil }
            }
        }
        guard digits.isEmpty else { return nil }
        let seconds = timegm(&time)
        // timegm carries 31 February over into March.
        guard time.tm_mday == day, time.tm_mon == month - 1 else { return nil }
        let moment = Int64(seconds) - offset
        guard Self.secondsOfFourDigitYears.contains(moment) else { return nil }
        milliseconds = moment * 1000
    }

    /// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, in seconds since 1970.
    private static let secondsOfFourDigitYears: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// `2026-11-23T00:00:00.000Z`, as the tables hold it.
    public var text: String {
        let time = components
        let fraction = milliseconds - wholeSecond.milliseconds
        return "\(pad(time.tm_year + 1900, 4))-\(pad(time.tm_mon + 1, 2))-\(pad(time.tm_mday, 2))"
            + "T\(pad(time.tm_hour, 2)):\(pad(time.tm_min, 2)):\(pad(time.tm_sec, 2)).\(pad(Int32(fraction), 3))Z"
    }

    /// `20261123T000000Z`, as run IDs hold it.
    public var compactText: String {
        let time = components
        return "\(pad(time.tm_year + 1900, 4))\(pad(time.tm_mon + 1, 2))\(pad(time.tm_mday, 2))"
            + "T\(pad(time.tm_hour, 2))\(pad(time.tm_min, 2))\(pad(time.tm_sec, 2))Z"
    }

    private var components: tm {
        var seconds = time_t(wholeSecond.milliseconds / 1000)
        var time = tm()
        gmtime_r(&seconds, &time)
        return time
    }

    private func pad(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
