internal import LineInput
package import LocalFiles
public import PipelineCore
internal import Synchronization

/// Reads user IDs from a file of lines, a CSV or an NDJSON file, plain, gzip or zstd.
///
/// - IDs are yielded as they stand in the file, never trimmed: a line of spaces is an ID of spaces. Byte order marks and
///   0x1A where files were joined are dropped, empty lines are no records. Lines end with LF, CR LF or CR.
/// - gzip and zstd are recognised by their first bytes, not by names. Several members or frames in a row are one input.
/// - A position counts bytes of uncompressed input. Opening a plain file at a position is one seek; a compressed file is
///   inflated up to it.
/// - Memory doesn't grow with the file, repeats aside, which `distinct` has to remember.
public struct FileUserReader: UserReader {
    /// How the file is cut into records.
    public enum Format: String, Sendable, CaseIterable {
        case lines
        case csv
        case ndjson
    }

    let place: Place
    let layout: ListLayout
    let distinct: Bool
    /// What cursors have found out; a compressed file's size shows while it is read.
    let size = InputSize()

    final class InputSize: Sendable {
        private let bytes = Mutex<UInt64?>(nil)

        var current: UInt64? { bytes.withLock { $0 } }

        func set(_ size: UInt64?) { bytes.withLock { $0 = size } }
    }

    /// Where the bytes are.
    enum Place: Sendable {
        case file(PathOption)
        case standardInput(StandardInputSpool)

        /// For messages.
        var name: String {
            switch self {
            case .file(let path): path.written
            case .standardInput: "standard input"
            }
        }

        /// The file, and where the input ends in it, if not where the file does.
        ///
        /// - Throws: `PipelineError` where standard input has not been kept aside yet.
        var content: (path: String, end: UInt64?) {
            get throws {
                switch self {
                case .file(let path): (path.resolved, nil)
                case .standardInput(let spool): try spool.content
                }
            }
        }
    }

    public var sourceFile: String? {
        switch place {
        case .file(let path): path.written
        case .standardInput: nil
        }
    }

    /// Known from the first `open` on; an estimate where the file is compressed, until its end has been read.
    public var inputSize: UInt64? { size.current }

    /// Keeps standard input aside; a file stays where it is.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where standard input is a terminal, or was read for another run already.
    @discardableResult
    public func prepare(for run: InputRun) async throws -> Bool {
        guard case .standardInput(let spool) = place else { return false }
        return try await spool.fill(for: run)
    }

    public func checkKept(for run: InputRun) async throws {
        if case .standardInput(let spool) = place { try await spool.checkKept(for: run) }
    }

    public func release(_ run: InputRun) async {
        if case .standardInput(let spool) = place { spool.remove(run) }
    }

    /// Opens the file.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where the file is missing, unreadable, damaged before the
    ///   position, or ends before it; of kind `.configuration` where a CSV file has no such column.
    public func open(at position: Position) async throws -> any UserCursor {
        let cursor = FileUserCursor(self)
        try await cursor.open(at: position)
        return cursor
    }

    /// A reader of lines from an open file, as from standard input.
    package static func reading(_ descriptor: Int32, keptIn folder: SpoolFolder) -> FileUserReader {
        FileUserReader(
            place: .standardInput(StandardInputSpool(folder, descriptor: descriptor)),
            layout: .lines(hasHeader: false), distinct: false)
    }
}
