internal import AWSSigning

/// Instants as credentials carry them.
package enum CredentialTime {
    /// Seconds since 1970 of `2025-01-02T03:04:05Z`, with a fraction or an offset or `UTC` (which old caches hold) at the
    /// end; nil for anything else.
    package static func unixSeconds(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count > 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " ")
        else { return nil }
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        let compact = part(0..<4) + part(5..<7) + part(8..<10) + "T" + part(11..<13) + part(14..<16) + part(17..<19)
        guard let seconds = SigningTime(compact + "Z")?.unixSeconds else { return nil }
        var index = 19
        if bytes[index] == UInt8(ascii: ".") {
            index += 1
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        }
        guard index < bytes.count, let offset = offset(part(index..<bytes.count)) else { return nil }
        return Double(seconds - offset)
    }

    /// `2025-01-02T03:04:05Z`
    package static func text(unixSeconds: Int) -> String {
        // 20250102T030405Z
        let compact = Array(SigningTime(unixSeconds: unixSeconds).text)
        guard compact.count == 16 else { return String(compact) }
        func part(_ range: Range<Int>) -> String { String(compact[range]) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<11)):\(part(11..<13)):\(part(13..<16))"
    }

    /// Seconds east of UTC.
    private static func offset(_ zone: String) -> Int? {
        if zone == "Z" || zone == "UTC" { return 0 }
        guard zone.hasPrefix("+") || zone.hasPrefix("-") else { return nil }
        let digits = zone.dropFirst().filter { $0 != ":" }
        guard digits.utf8.count == 4, let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)),
            hours < 24, minutes < 60
        else { return nil }
        return (zone.hasPrefix("-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}
