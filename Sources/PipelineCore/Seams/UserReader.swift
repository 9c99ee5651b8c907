/// A plugin that yields user IDs, each with a position from which reading can go on.
public protocol UserReader: Sendable {
    /// The input as the configuration names it, for messages and `failures.source_file`; nil for a database or
    /// standard input.
    var sourceFile: String? { get }
    /// Bytes of input that `Position.offset` counts up to, for the progress display; nil where that isn't known.
    var inputSize: UInt64? { get }
    /// Opens the input at a position that this reader yielded earlier, or at `.start`.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where it is missing or unreadable.
    func open(at position: Position) async throws -> any UserCursor
}

extension UserReader {
    public var inputSize: UInt64? { nil }
}

/// An opened input. One task at a time uses it.
public protocol UserCursor: Actor {
    /// The next records, in input order, at most `limit` of them; empty at the end of input.
    ///
    /// Faulty input is yielded as a record, never skipped. Blank lines are no records.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where reading can't go on (a truncated gzip file). Records in
    ///   front of the fault are yielded first.
    func next(limit: Int) async throws -> [InputRecord]
    /// Gives back files and connections; no call follows.
    func close() async
}
