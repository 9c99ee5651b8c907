internal import PipelineCore

/// Cuts input into lines, and holds no more of one than its bound.
///
/// A line ends with LF, CR LF or CR; the last line needs no end. Marks that stand at a line's ends because files were joined
/// don't belong to it.
struct LineCutter {
    /// Lines completely before the next one.
    private(set) var line: UInt64 = 0
    /// A line's bound in bytes. Of a longer one no more than one byte beyond it is seen.
    let longest: Int

    init(longest: Int) { self.longest = longest }

    /// Goes to a position; before the first line a byte order mark is dropped.
    mutating func begin(_ input: InputWindow, at position: Position) throws {
        line = position.line
        if position.offset == 0 {
            try input.skipByteOrderMark()
        } else {
            try input.skip(toEndOfRecord: position.offset)
        }
    }

    /// The next record: what `judge` makes of a line's text and number, where that isn't nil; nil at the end of input.
    mutating func next(
        _ input: InputWindow, judge: (_ text: UnsafeRawBufferPointer, _ number: Int) -> InputRecord.Content?
    ) throws -> InputRecord? {
        while true {
            try input.skipJoints()
            let number = Int(line) + 1
            let end = try lineBreak(input)
            if end == nil, input.count == 0 { return nil }
            let breakLength = try end.map(input.lineBreakLength(at:)) ?? 0
            var text = UnsafeRawBufferPointer(rebasing: input.bytes[..<(end ?? min(input.count, longest + 1))])
            // Of a line that is too long the end isn't seen.
            if text.count <= longest || end != nil { text = InputWindow.withoutJoints(text) }
            let content = judge(text, number)
            let isComplete: Bool
            if let end {
                input.consume(end + breakLength)
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

    /// The index of the break that ends the line at hand; nil where the line is too long to be held, or the last one.
    private func lineBreak(_ input: InputWindow) throws -> Int? {
        var scanned = 0
        while true {
            if let index = input.lineBreak(from: scanned) { return index }
            scanned = input.count
            if scanned > longest { return nil }
            if try !input.extend() { return nil }
        }
    }

    /// Consumes the rest of a line of any length; false where the input ends before its break.
    private func consumeLine(_ input: InputWindow) throws -> Bool {
        repeat {
            if let index = input.lineBreak(from: 0) {
                input.consume(index + (try input.lineBreakLength(at: index)))
                return true
            }
            input.consume(input.count)
        } while try input.extend()
        return false
    }
}
