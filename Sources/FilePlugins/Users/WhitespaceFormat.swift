internal import PipelineCore

/// User IDs with white space between them, several on a line: spaces, tabs and line breaks, as many as there are.
struct WhitespaceFormat: RecordFormat {
    /// The first line that isn't blank says what follows and holds no IDs.
    let hasHeader: Bool
    private(set) var line: UInt64 = 0

    init(hasHeader: Bool) { self.hasHeader = hasHeader }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        line = position.line
        guard position.offset == 0 else { return try input.skip(to: position.offset) }
        try input.skipByteOrderMark()
        guard hasHeader else { return }
        try skipSpace(input)
        _ = try consume(input, until: { $0 == Self.lineFeed })
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        try skipSpace(input)
        if input.count == 0 { return nil }
        let number = Int(line) + 1
        // One byte beyond the longest is enough to tell that an ID is too long.
        var end = 0
        while end <= longestUserID {
            if end == input.count, try !input.extend() { break }
            if Self.isSpace(input.bytes[end]) { break }
            end += 1
        }
        let bytes = UnsafeRawBufferPointer(rebasing: input.bytes[..<end])
        let content = userID(bytes, subject: "the line", line: number, raw: bytes)
        _ = try consume(input, until: Self.isSpace)
        return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
    }

    private mutating func skipSpace(_ input: InputWindow) throws {
        _ = try consume(input, until: { !Self.isSpace($0) })
    }

    /// Consumes up to the first byte that ends it, which stays; false where the input ends first.
    private mutating func consume(_ input: InputWindow, until isEnd: (UInt8) -> Bool) throws -> Bool {
        repeat {
            let bytes = input.bytes
            var index = 0
            while index < bytes.count, !isEnd(bytes[index]) {
                if bytes[index] == Self.lineFeed { line += 1 }
                index += 1
            }
            let isFound = index < bytes.count
            input.consume(index)
            if isFound { return true }
        } while try input.extend()
        return false
    }

    private static let lineFeed = UInt8(ascii: "\n")

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
