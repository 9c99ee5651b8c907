/// A plugin that yields whole records of earlier exports, each with a position: a line of JSON, a row of CSV.
public protocol ArchiveReader: Sendable {
    /// Opens the archive at its beginning.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where there is nothing to read, or something that can't be.
    func open() async throws -> any ArchiveCursor
}

/// An opened archive. One task at a time uses it.
public protocol ArchiveCursor: Actor {
    /// The next records, in input order, at most `limit` of them; empty at the end of input.
    ///
    /// Faulty input is yielded as a record, never skipped. Blank lines are no records.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where reading can't go on. Records in front of the fault are yielded
    ///   first.
    func next(limit: Int) async throws -> [ArchiveRecord]
    /// The part of the input that has been read, from 0 to 1, for the progress display; nil where that isn't known.
    var fractionRead: Double? { get }
    /// Gives back files; no call follows.
    func close() async
}

/// What an archive's documents mean. Pure, and safe to call from many tasks at once.
public protocol RecordDecoder: Sendable {
    /// The application that all endpoints belong to; nil where the documents say it.
    var applicationID: String? { get }
    /// Reads one record's JSON document.
    ///
    /// - Returns: `found`, or `failed` with the code `MalformedRecord` or `WrongApplication`; the failure's message begins
    ///   in lower case and names no place, which the caller adds.
    func decode(_ document: [UInt8]) -> Outcome
}
