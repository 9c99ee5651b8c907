internal import PipelineCore

extension LineCutter {
    /// The next record: what `judge` makes of a line, where that isn't nil; nil at the end of input.
    mutating func nextRecord(
        _ input: InputWindow, _ judge: (Line) -> InputRecord.Content?
    ) throws -> InputRecord? {
        guard let next = try next(input, judge) else { return nil }
        return InputRecord(
            content: next.content, next: Position(offset: input.offset, line: line), line: next.number)
    }
}
