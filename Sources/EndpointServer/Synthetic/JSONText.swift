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

    /// A decimal number, padded with leading zeros. Not negative, at most 19 digits.
    mutating func number(_ value: Int, digits: Int = 1) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { space in
            var start = 20
            var rest = UInt(bitPattern: value)
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                space[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0 || 20 - start < digits
            bytes.append(contentsOf: space[start...])
        }
    }

    /// The lowest 1 to 16 hexadecimal digits of a number.
    mutating func hexadecimal(_ value: UInt64, digits: Int, upper: Bool = false) {
        if digits > 8 { hexadecimal(value >> 32, digits: digits - 8, upper: upper) }
        // Eight nibbles are spread over eight bytes and turned into digits side by side.
        var spread = value & 0xFFFF_FFFF
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let text = spread &+ 0x3030_3030_3030_3030 &+ letters &* (upper ? 7 : 39)
        withUnsafeBytes(of: text.bigEndian) { bytes.append(contentsOf: $0.suffix(min(digits, 8))) }
    }
}
