/// A plugin that yields whole records of earlier exports, each with a position: a line of JSON, a row of CSV.
public protocol ArchiveReader: Sendable {
    /// Opens the archive at its beginning.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where there is nothing to read, or something that can't be.
    func open() async throws -> any ArchiveCursor
}

/// An opened archive. A damaged file ends with a fault among the records, and reading goes on with the next one.
public protocol ArchiveCursor: InputCursor where Record == ArchiveRecord {
    /// The part of the input that has been read, from 0 to 1, for the progress display; nil where that isn't known.
    var fractionRead: Double? { get }
    /// The files that the archive stands for; nil where it is no files.
    var files: ArchiveFileCounts? { get }
}

extension ArchiveCursor {
    public var files: ArchiveFileCounts? { nil }
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
