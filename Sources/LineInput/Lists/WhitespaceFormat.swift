internal import PipelineCore

/// User IDs with white space between them, several on a line: spaces, tabs and line breaks, as many as there are.
struct WhitespaceFormat: RecordFormat {
    /// The first line that isn't blank says what follows and holds no IDs.
    let hasHeader: Bool
    private var counter = LineCounter()
    var line: UInt64 { counter.lines }

    init(hasHeader: Bool) { self.hasHeader = hasHeader }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        counter = LineCounter(lines: position.line)
        guard position.offset == 0 else { return try input.skip(to: position.offset) }
        try input.skipByteOrderMark()
        guard hasHeader else { return }
        try skipSpace(input)
        _ = try consume(input, until: { $0 == InputWindow.lineFeed || $0 == InputWindow.carriageReturn })
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
        var bytes = UnsafeRawBufferPointer(rebasing: input.bytes[..<end])
        if end <= longestUserID { bytes = InputWindow.withoutJoints(bytes) }
        let content = joinedUserID(bytes, subject: "the line", line: number, raw: bytes)
        _ = try consume(input, until: Self.isSpace)
        return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
    }

    /// Consumes white space, and the marks of joined files between it.
    private mutating func skipSpace(_ input: InputWindow) throws {
        var offset: UInt64
        repeat {
            _ = try consume(input, until: { !Self.isSpace($0) })
            offset = input.offset
            try input.skipJoints()
            if input.offset > offset { counter.interrupt() }
        } while input.offset > offset
    }

    /// Consumes up to the first byte that ends it, which stays; false where the input ends first.
    private mutating func consume(_ input: InputWindow, until isEnd: (UInt8) -> Bool) throws -> Bool {
        repeat {
            let bytes = input.bytes
            var index = 0
            while index < bytes.count, !isEnd(bytes[index]) {
                counter.pass(bytes[index])
                index += 1
            }
            let isFound = index < bytes.count
            input.consume(index)
            if isFound { return true }
        } while try input.extend()
        return false
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
