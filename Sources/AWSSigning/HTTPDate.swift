/// The dates of HTTP headers (`Date`, `Retry-After`), RFC 9110 §5.6.7.
public enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    public static func text(unixSeconds: Int) -> String {
        let civil = CivilTime(unixSeconds: unixSeconds)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(29)
        bytes.append(contentsOf: "\(weekdays[civil.weekday]), ".utf8)
        appendDecimal(civil.day, digits: 2, to: &bytes)
        bytes.append(contentsOf: " \(months[civil.month - 1]) ".utf8)
        appendDecimal(civil.year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        appendDecimal(civil.hour, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDecimal(civil.minute, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDecimal(civil.second, digits: 2, to: &bytes)
        bytes.append(contentsOf: " GMT".utf8)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Seconds since 1970; nil where the text isn't `Sun, 06 Nov 1994 08:49:37 GMT`. The obsolete forms aren't read.
    public static func unixSeconds(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[0].hasSuffix(","),
            let month = months.firstIndex(of: String(parts[2])),
            let day = decimal(parts[1].utf8), let year = decimal(parts[3].utf8), parts[3].utf8.count == 4
        else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = decimal(clock[0].utf8), let minute = decimal(clock[1].utf8),
            let second = decimal(clock[2].utf8)
        else { return nil }
        return CivilTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)?
            .unixSeconds
    }
}
