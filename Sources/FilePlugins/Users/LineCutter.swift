internal import Glibc
internal import PipelineCore

/// Cuts input into lines, and holds no more of one than its bound.
///
/// A line ends with LF; one CR in front of it doesn't belong to the line, any other CR does. The last line needs no LF.
struct LineCutter {
    /// Lines completely in front of the next one.
    private(set) var line: UInt64 = 0
    /// A line's bound in bytes. Of a longer one no more than one byte beyond it is seen.
    let longest: Int

    init(longest: Int) { self.longest = longest }

    /// Goes to a position; in front of the first line a byte order mark is dropped.
    mutating func begin(_ input: InputWindow, at position: Position) throws {
        line = position.line
        if position.offset == 0 { try input.skipByteOrderMark() } else { try input.skip(to: position.offset) }
    }

    /// The next record: what `judge` makes of a line's text and number, where that isn't nil; nil at the end of input.
    mutating func next(
        _ input: InputWindow, judge: (_ text: UnsafeRawBufferPointer, _ number: Int) -> InputRecord.Content?
    ) throws -> InputRecord? {
        while true {
            let number = Int(line) + 1
            let end = try lineFeed(input)
            if end == nil, input.count == 0 { return nil }
            var text = UnsafeRawBufferPointer(rebasing: input.bytes[..<(end ?? min(input.count, longest + 2))])
            if text.last == 0x0D { text = UnsafeRawBufferPointer(rebasing: text.dropLast()) }
            let content = judge(text, number)
            let isComplete: Bool
            if let end {
                input.consume(end + 1)
                isComplete = true
            } else {
                isComplete = try consumeLine(input)
            }
            // An unfinished last line doesn't count: what is appended to the file later still belongs to it.
            if isComplete { line += 1 }
            if let content {
                return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
            }
        }
    }

    /// The index of the LF that ends the line at hand; nil where the line is too long to be held, or the last one.
    private func lineFeed(_ input: InputWindow) throws -> Int? {
        var scanned = 0
        while true {
            if let index = Self.lineFeed(input.bytes, from: scanned) { return index }
            scanned = input.count
            // One more than too long, for a CR that doesn't count.
            if scanned > longest + 1 { return nil }
            if try !input.extend() { return nil }
        }
    }

    /// Consumes the rest of a line of any length; false where the input ends in front of its LF.
    private func consumeLine(_ input: InputWindow) throws -> Bool {
        repeat {
            if let index = Self.lineFeed(input.bytes, from: 0) {
                input.consume(index + 1)
                return true
            }
            input.consume(input.count)
        } while try input.extend()
        return false
    }

    private static func lineFeed(_ bytes: UnsafeRawBufferPointer, from index: Int) -> Int? {
        guard let base = bytes.baseAddress, index < bytes.count,
            let found = memchr(base + index, 0x0A, bytes.count - index)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
