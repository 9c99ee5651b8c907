/// Marks that aren't part of the text: a byte order mark at its beginning, and what is left of others where files were joined.
extension InputWindow {
    /// Consumes a byte order mark, if the input begins with one.
    public func skipByteOrderMark() throws {
        while count < 3, try extend() {}
        if bytes.starts(with: Self.byteOrderMark) { consume(3) }
    }

    /// Consumes what stands before a record where files were joined: byte order marks and 0x1A, which old programs write
    /// at the end of a file. So does a LF whose CR was the last byte of the input so far.
    public func skipJoints() throws {
        if count == 0, try !extend() { return }
        if bytes.first == Self.lineFeed, before & 0xFF == UInt16(Self.carriageReturn) { consume(1) }
        while true {
            if count == 0, try !extend() { return }
            switch bytes[0] {
            case Self.substitute:
                consume(1)
            case Self.byteOrderMark[0]:
                while count < 3, try extend() {}
                guard bytes.starts(with: Self.byteOrderMark) else { return }
                consume(3)
            default:
                return
            }
        }
    }

    /// A text without the marks at its end that `skipJoints` knows: a file that was joined here ended with them, or held
    /// nothing else.
    public static func withoutJoints(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var count = text.count
        while count > 0 {
            if text[count - 1] == substitute {
                count -= 1
            } else if text[count - 1] == byteOrderMark[2], text[..<count].suffix(3).elementsEqual(byteOrderMark) {
                count -= 3
            } else {
                break
            }
        }
        return UnsafeRawBufferPointer(rebasing: text[..<count])
    }

    /// Whether such a mark stands anywhere in a text.
    public static func holdsJoint(_ text: UnsafeRawBufferPointer) -> Bool {
        for (index, byte) in text.enumerated() {
            if byte == substitute { return true }
            if byte == byteOrderMark[0], text[index...].starts(with: byteOrderMark) { return true }
        }
        return false
    }

    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// 0x1A, which old programs write at the end of a file.
    static let substitute: UInt8 = 0x1A
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let returnAndLineFeed: UInt16 = 0x0D0A
}
