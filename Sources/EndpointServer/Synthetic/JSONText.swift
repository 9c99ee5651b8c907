/// JSON text as bytes, written piece by piece, with the blanks and escapes that its style asks for.
struct JSONText {
    var bytes: [UInt8] = []
    /// What stands after a colon or comma and inside brackets: most texts are compact, some aren't.
    var spacing = Spacing.compact

    enum Spacing { case compact, blanks, tabs }

    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func byte(_ byte: Unicode.Scalar) { bytes.append(UInt8(ascii: byte)) }

    mutating func space() {
        switch spacing {
        case .compact: break
        case .blanks: byte(" ")
        case .tabs: raw("\t ")
        }
    }

    mutating func open(_ bracket: Unicode.Scalar) {
        byte(bracket)
        space()
    }

    mutating func close(_ bracket: Unicode.Scalar) {
        space()
        byte(bracket)
    }

    mutating func comma() {
        byte(",")
        space()
    }

    /// A name that is a JSON string already, quotes included, and its colon.
    mutating func key(_ quoted: StaticString) {
        raw(quoted)
        colon()
    }

    mutating func colon() {
        if spacing == .tabs { byte(" ") }
        byte(":")
        space()
    }

    /// A comma before every element but the first.
    mutating func separate(_ isFirst: inout Bool) {
        if isFirst { isFirst = false } else { comma() }
    }

    /// The text between quotes, escaped as little as JSON allows.
    mutating func quoted(_ text: some Sequence<UInt8>) {
        byte("\"")
        content(text)
        byte("\"")
    }

    /// The text escaped, without quotes.
    mutating func content(_ text: some Sequence<UInt8>) {
        for unit in text {
            switch unit {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                byte("\\")
                bytes.append(unit)
            case 0..<0x20:
                raw("\\u00")
                hexadecimal(UInt64(unit), digits: 2)
            default: bytes.append(unit)
            }
        }
    }

    /// The text between quotes, its ASCII characters as `\u` escapes and slashes as `\/`: the same value in another spelling.
    mutating func quotedWithEscapes(_ text: some Sequence<UInt8>) {
        byte("\"")
        for unit in text {
            switch unit {
            case UInt8(ascii: "/"): raw("\\/")
            case 0..<0x80:
                raw("\\u00")
                hexadecimal(UInt64(unit), digits: 2)
            default: bytes.append(unit)
            }
        }
        byte("\"")
    }

    mutating func number(_ value: Int, digits: Int = 1) {
        var divisor = 1
        var length = 1
        while length < digits || value / divisor >= 10 {
            divisor *= 10
            length += 1
        }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    mutating func hexadecimal(_ value: UInt64, digits: Int, upper: Bool = false) {
        let letters = upper ? UInt8(ascii: "A") : UInt8(ascii: "a")
        for index in (0..<digits).reversed() {
            let nibble = UInt8(truncatingIfNeeded: value >> (UInt64(index) * 4)) & 15
            bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : letters + nibble - 10)
        }
    }
}
