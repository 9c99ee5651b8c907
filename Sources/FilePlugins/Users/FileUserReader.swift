public import PipelineCore

/// Reads user IDs from a file of lines or a CSV file, plain or gzip.
///
/// - IDs are yielded as they stand in the file, never trimmed: a line of spaces is an ID of spaces. A byte order mark at
///   the beginning is dropped, empty lines are no records.
/// - gzip is recognised by its first bytes, not by its name. Several members in a row are one input.
/// - A position counts bytes of uncompressed input. Opening a plain file at a position is one seek; a gzip file is
///   inflated up to it.
/// - Memory doesn't grow with the file, repeats aside, which `distinct` has to remember.
public struct FileUserReader: UserReader {
    /// How the file is cut into records.
    public enum Format: String, Sendable, CaseIterable {
        case lines
        case csv
    }

    let path: PathOption
    let format: Format
    let column: CSVFormat.Column
    let hasHeader: Bool
    let separator: UInt8
    let distinct: Bool

    public var sourceFile: String? { path.written }

    /// Opens the file.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where the file is missing, unreadable, damaged in front of the
    ///   position, or ends in front of it; of kind `.configuration` where a CSV file has no such column.
    public func open(at position: Position) async throws -> any UserCursor {
        let cursor = FileUserCursor(self)
        try await cursor.open(at: position)
        return cursor
    }

    func makeFormat() -> any RecordFormat {
        switch format {
        case .lines: LineFormat()
        case .csv: CSVFormat(column: column, hasHeader: hasHeader, separator: separator, file: path.written)
        }
    }
}
