internal import Glibc
internal import PipelineCore

/// One user ID on each line.
///
/// A line ends with LF, and one CR in front of it doesn't belong to the ID; any other CR does. Empty lines are no
/// records. Nothing is trimmed: a line of spaces is an ID of spaces. The last line needs no LF.
struct LineFormat: RecordFormat {
    private(set) var line: UInt64 = 0

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        line = position.line
        if position.offset == 0 { try input.skipByteOrderMark() } else { try input.skip(to: position.offset) }
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        while true {
            var scanned = 0
            while true {
                if let length = Self.newline(input.bytes, from: scanned) {
                    if let record = record(input, length: length, terminated: true) { return record }
                    break
                }
                scanned = input.count
                // One more byte, for a CR that doesn't count.
                if scanned > longestUserID + 1 { return try overlongLine(input) }
                if try !input.extend() {
                    return scanned == 0 ? nil : record(input, length: scanned, terminated: false)
                }
            }
        }
    }

    /// Where the first LF stands at or behind an index.
    private static func newline(_ bytes: UnsafeRawBufferPointer, from index: Int) -> Int? {
        guard let base = bytes.baseAddress, index < bytes.count,
            let found = memchr(base + index, 0x0A, bytes.count - index)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Consumes a line; nil where it is empty.
    private mutating func record(_ input: InputWindow, length: Int, terminated: Bool) -> InputRecord? {
        let number = Int(line) + 1
        var text = UnsafeRawBufferPointer(rebasing: input.bytes[..<length])
        if text.last == 0x0D { text = UnsafeRawBufferPointer(rebasing: text.dropLast()) }
        let content = text.isEmpty ? nil : userID(text, subject: "the line", line: number, raw: text)
        input.consume(terminated ? length + 1 : length)
        // An unfinished last line doesn't count: where input is added to the file later, its rest is still this line.
        if terminated { line += 1 }
        guard let content else { return nil }
        return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
    }

    /// Consumes a line of which more than the longest ID is in the window and no end is in sight.
    private mutating func overlongLine(_ input: InputWindow) throws -> InputRecord {
        let number = Int(line) + 1
        let raw = UnsafeRawBufferPointer(rebasing: input.bytes.prefix(longestUserID + 1))
        let content = userID(raw, subject: "the line", line: number, raw: raw)
        repeat {
            if let length = Self.newline(input.bytes, from: 0) {
                input.consume(length + 1)
                line += 1
                break
            }
            input.consume(input.count)
        } while try input.extend()
        return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
    }
}
