internal import PipelineCore

/// How a spool of user IDs is laid out: a header, a record for each ID, a trailer.
///
/// A record is its length in bytes (32 bits, little-endian) and its bytes; NULL is a length of its own without bytes. The
/// trailer is a third such length and the number of records (64 bits, little-endian), so a file that was cut off, or that
/// is something else, is noticed before its first record.
enum SpooledIDs {
    static let header = Array("sluice spool v2\n".utf8)
    /// Of the first format, in which no seal follows the trailer. As long, so that positions stay what they are.
    static let firstHeader = Array("sluice user IDs\n".utf8)
    static let lengthSize = 4
    static let null: UInt32 = 0xFFFF_FFFF
    static let end: UInt32 = 0xFFFF_FFFE
    static let trailerSize = lengthSize + 8
    /// A longer value is no ID, whatever follows: one byte more than a fault keeps says so.
    static let longest = InputFault.rawLimit + 1

    /// Judges a value: a user ID, or why it is none.
    ///
    /// - Parameters:
    ///   - bytes: nil for NULL.
    ///   - row: from 1, for the message.
    static func content(_ bytes: ArraySlice<UInt8>?, row: UInt64) -> InputRecord.Content {
        func fault(_ code: InputFault.Code, _ what: String, _ raw: [UInt8] = []) -> InputRecord.Content {
            .fault(InputFault(code: code, message: "row \(row): the user ID \(what)", raw: raw))
        }
        guard let bytes else { return fault(.missingField, "is NULL") }
        if bytes.isEmpty { return fault(.emptyUserID, "is empty") }
        if bytes.count > InputFault.rawLimit {
            return fault(.invalidUserID, "has more than \(InputFault.rawLimit) bytes", Array(bytes))
        }
        guard let id = String(validating: bytes, as: UTF8.self) else {
            return fault(.invalidEncoding, "is not UTF-8", Array(bytes))
        }
        return .userID(id)
    }
}

/// Writes IDs into a spool, in the order in which they are to be read.
public struct SpooledIDWriter: ~Copyable {
    private let file: SpoolFile
    /// Records so far.
    public private(set) var count: UInt64 = 0

    /// - Throws: `PipelineError` of kind `.ioError` where the disk is full or fails; so do the other methods.
    public init(_ file: SpoolFile) throws {
        self.file = file
        try SpooledIDs.header.withUnsafeBytes { try file.write($0) }
    }

    /// Appends an ID as its bytes, whatever they are; nil is NULL.
    public mutating func append(_ bytes: UnsafeRawBufferPointer?) throws {
        count += 1
        guard let bytes else { return try write(SpooledIDs.null) }
        let kept = UnsafeRawBufferPointer(rebasing: bytes.prefix(SpooledIDs.longest))
        try write(UInt32(kept.count))
        try file.write(kept)
    }

    /// Marks the end; nothing follows.
    public consuming func finish() throws {
        try write(SpooledIDs.end)
        try withUnsafeBytes(of: count.littleEndian) { try file.write($0) }
        try Failpoint.reach("spool.ids.finished")
    }

    private func write(_ length: UInt32) throws {
        try withUnsafeBytes(of: length.littleEndian) { try file.write($0) }
    }
}
