/// Numbers as a person reads them.
public enum CountText {
    /// `1,234,567`
    public static func of(_ number: Int) -> String {
        var result = ""
        for (place, digit) in String(number.magnitude).reversed().enumerated() {
            if place > 0, place.isMultiple(of: 3) { result.append(",") }
            result.append(digit)
        }
        return (number < 0 ? "-" : "") + String(result.reversed())
    }

    /// `1 file`, `1,000 files`
    public static func of(_ number: Int, _ noun: String) -> String { "\(of(number)) \(noun)\(number == 1 ? "" : "s")" }

    /// `512 bytes`, `64 KB`, `1.2 GB`, in powers of 1,024.
    public static func of(bytes: UInt64) -> String {
        for (unit, shift) in [("TB", UInt64(40)), ("GB", 30), ("MB", 20), ("KB", 10)] where bytes >= 1 << shift {
            let whole = bytes >> shift
            let tenth = (bytes & (1 << shift - 1)) * 10 >> shift
            return whole >= 10 ? "\(whole) \(unit)" : "\(whole).\(tenth) \(unit)"
        }
        return of(Int(bytes), "byte")
    }

    /// `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`
    public static func of(seconds: Double) -> String {
        // Longer than anybody waits, and still an integer.
        let seconds = Int(min(max(0, seconds), 1e12).rounded())
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" }
        if seconds < 172_800 { return "\(seconds / 3600) h \(seconds % 3600 / 60) min" }
        return "\(of(seconds / 86_400)) d \(seconds % 86_400 / 3600) h"
    }
}
