public import PipelineCore

/// What the files of a store of run folders look like: the one thing that a sink of files brings along.
///
/// A file is a header, the segments of its batches one behind the other, and a trailer. Each of them depends on the table and
/// the rows alone, so that a file's bytes are the same however often its run was interrupted. What a method throws ends the
/// run; `PipelineError`s keep their kind.
///
/// Text without a frame, such as CSV, needs `fileExtension`, `tableFormat` and `records`; the others have defaults.
public protocol FileFormat: Sendable {
    /// What follows a file's number in its name: `csv` makes `endpoints/00000.csv`.
    var fileExtension: String { get }

    /// What the manifest says that the files are compressed with, for whoever reads them. By default `none`.
    var compression: String { get }

    /// The form of one table's rows. Asked for once for each table of a session.
    func tableFormat(_ table: TableDefinition) -> any TableFormat

    /// Begins to read a file's records, finished or under way, without what frames them.
    ///
    /// - Throws: `PipelineError`, as `next()` does: `.noInput` for a published file that is missing or damaged, `.ioError` for
    ///   one of a run under way. `StoredFile.read` throws them so.
    func records(in file: StoredFile) throws -> any RecordReader

    /// The bytes between two records, which `RecordReader` leaves out; also behind the last one.
    var recordEnd: [UInt8] { get }

    /// The segment of records that are written already, of which `text` is the whole, each with its `recordEnd`. By default
    /// the text itself.
    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment

    /// The checksum of a file with another segment behind it; it is kept in the checkpoint file. By default always 0.
    func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32

    /// What ends a file. By default nothing.
    ///
    /// - Parameters:
    ///   - checksum: over header and segments.
    ///   - length: bytes of text in them.
    func trailer(checksum: UInt32, length: Int) -> FileSegment
}

extension FileFormat {
    public var compression: String { "none" }

    public var recordEnd: [UInt8] { [UInt8(ascii: "\n")] }

    public func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment {
        FileSegment(Array(text), rows: rows)
    }

    public func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32 { 0 }

    public func trailer(checksum: UInt32, length: Int) -> FileSegment { FileSegment([], rows: 0) }
}

/// The form of one table's rows in a file.
public protocol TableFormat: Sendable {
    var table: TableDefinition { get }

    /// What begins every file of the table: a header line, or the header of a compressed file. By default nothing.
    var header: FileSegment { get }

    /// Bytes of text that a row takes beside its values: names, separators. It decides, with the values' own length, where a
    /// large batch is cut into segments.
    var rowOverhead: Int { get }

    /// Encodes some of a batch's rows. Called for several segments at once.
    func encode(_ rows: Range<Int>, of buffer: RowBuffer) throws -> FileSegment

    /// Appends a record's cells, one for each column of the table.
    ///
    /// - Throws: `RecordFault` for a record that this format doesn't write.
    func decode(_ record: [UInt8], to builder: inout RowBuilder) throws

    /// A record of the table `failures` as a retry needs it. By default read by the columns' names from what `decode` gives.
    ///
    /// - Throws: `RecordFault`, or a `PipelineError`.
    func failure(_ record: [UInt8]) throws -> FailedRecord
}

extension TableFormat {
    public var header: FileSegment { FileSegment([], rows: 0) }
}

/// Gives the records of one file, one after the other.
public protocol RecordReader {
    /// The next record without its end; nil behind the last one.
    mutating func next() throws -> [UInt8]?
}

/// Why a record can't be understood.
public struct RecordFault: Error, Sendable {
    /// A clause that follows the file's name and the record's number: "no JSON object as this program writes it".
    public var clause: String

    public init(_ clause: String) { self.clause = clause }
}

/// A part of a file: what stands there, and what it says once it is unpacked.
public struct FileSegment: Sendable {
    /// As they stand in the file.
    public var bytes: [UInt8]
    /// Bytes of text, unpacked.
    public var length: Int
    public var rows: Int
    /// Of the text, as the format counts it.
    public var checksum: UInt32

    public init(bytes: [UInt8], length: Int, rows: Int, checksum: UInt32) {
        self.bytes = bytes
        self.length = length
        self.rows = rows
        self.checksum = checksum
    }

    /// Bytes of text beyond which a batch's rows go into another segment: the more pieces the faster, the fewer the smaller,
    /// where each is compressed by itself. At 1 MiB a piece costs less than a part in a thousand over one in whole.
    public static let usualLength = 1 << 20

    /// Text that stands in the file as it is.
    public init(_ text: [UInt8], rows: Int) { self.init(bytes: text, length: text.count, rows: rows, checksum: 0) }
}
