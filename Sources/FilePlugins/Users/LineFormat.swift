internal import PipelineCore

/// One user ID on each line.
///
/// Empty lines are no records. Nothing is trimmed: a line of spaces is an ID of spaces, and a CR in the middle of a line
/// belongs to the ID.
struct LineFormat: RecordFormat {
    private var cutter = LineCutter(longest: longestUserID)
    var line: UInt64 { cutter.line }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        try cutter.begin(input, at: position)
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        try cutter.next(input) { text, number in
            text.isEmpty ? nil : userID(text, subject: "the line", line: number, raw: text)
        }
    }
}
