/// What may stand between JSON documents.
extension InputWindow {
    /// White space, and what programs write between documents or at a file's end: a record separator, 0x1A.
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == lineFeed || byte == carriageReturn || byte == recordSeparator
            || byte == substitute
    }

    /// Consumes that, and the byte order marks of files that were joined.
    ///
    /// - Returns: The byte behind it, nil at the end of input; and whether a record separator is among it.
    func skipBlanks(_ counter: inout LineCounter) throws -> (next: UInt8?, hasSeparators: Bool) {
        var hasSeparators = false
        while true {
            while let byte = bytes.first {
                if byte == Self.byteOrderMark[0] {
                    while count < 3, try extend() {}
                    guard bytes.starts(with: Self.byteOrderMark) else { return (byte, hasSeparators) }
                    counter.interrupt()
                    consume(3)
                    continue
                }
                let blanks = bytes.prefix { Self.isBlank($0) }
                if blanks.isEmpty { return (byte, hasSeparators) }
                counter.pass(blanks)
                if blanks.contains(Self.recordSeparator) { hasSeparators = true }
                consume(blanks.count)
            }
            if try !extend() { return (nil, hasSeparators) }
        }
    }

    static let recordSeparator: UInt8 = 0x1E
}
