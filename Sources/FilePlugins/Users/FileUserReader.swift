public import PipelineCore

/// Reads user IDs from a file of lines, a CSV or an NDJSON file, plain or gzip.
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
        case ndjson
    }

    let path: PathOption
    let layout: Layout
    let distinct: Bool

    /// The format with what it needs.
    enum Layout: Sendable {
        case lines
        case csv(column: CSVFormat.Column, hasHeader: Bool, separator: UInt8)
        case ndjson(path: [String])
    }

    public var sourceFile: String? { path.written }
    public var inputSize: UInt64? { UncompressedInput.size(ofFile: path.resolved) }

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
        switch layout {
        case .lines: LineFormat()
        case .csv(let column, let hasHeader, let separator):
            CSVFormat(column: column, hasHeader: hasHeader, separator: separator, file: path.written)
        case .ndjson(let path): NDJSONFormat(path: path)
        }
    }
}
