internal import PipelineCore

/// One user ID on each line.
///
/// Empty lines are no records. Nothing is trimmed: a line of spaces is an ID of spaces.
struct LineFormat: RecordFormat {
    /// The first line that isn't empty says what follows and is no ID.
    let hasHeader: Bool
    private var cutter = LineCutter(longest: longestUserID)
    var line: UInt64 { cutter.line }

    init(hasHeader: Bool = false) { self.hasHeader = hasHeader }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        try cutter.begin(input, at: position)
        guard hasHeader, position.offset == 0 else { return }
        // What is made of it doesn't matter.
        _ = try cutter.next(input) { $0.text.isEmpty ? nil : () }
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        try cutter.nextRecord(input) { line in
            line.text.isEmpty
                ? nil : joinedUserID(line.text, subject: "the line", line: line.number, raw: line.text)
        }
    }
}
