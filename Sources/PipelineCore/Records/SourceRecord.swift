/// What a record source yields: one record of the input with its outcome.
public struct SourceRecord: Sendable {
    /// Grows in input order: of a list 0, 1, 2 …; of an archive the file's number × 2³² + the record's number in the file, both
    /// from 0.
    public var ordinal: Int
    /// The ID that was asked for; nil where the input held none, and for an archive's line.
    public var userID: String?
    /// The application that was asked; nil where the record's own lines say it.
    public var applicationID: String?
    /// The place behind this record.
    public var next: Position
    /// Where the record stands in the input, for the `failures` table.
    public var origin: RecordOrigin
    /// The bytes that stand for this record in the hash of the consumed input.
    public var hashedBytes: [UInt8]
    public var outcome: Outcome

    public init(
        ordinal: Int, userID: String?, applicationID: String?, next: Position, origin: RecordOrigin,
        hashedBytes: [UInt8], outcome: Outcome
    ) {
        self.ordinal = ordinal
        self.userID = userID
        self.applicationID = applicationID
        self.next = next
        self.origin = origin
        self.hashedBytes = hashedBytes
        self.outcome = outcome
    }
}

/// Where a record stands in the input.
public struct RecordOrigin: Sendable, Equatable {
    /// The file as the configuration names it; nil for a database or standard input.
    public var file: String?
    /// From 1; 0 where the input has no lines.
    public var line: Int

    public init(file: String?, line: Int) {
        self.file = file
        self.line = line
    }
}

/// A user parked because an answer doesn't come while others wait. It is asked again after the last ordinal.
public struct ParkedRecord: Sendable, Hashable {
    public var ordinal: Int
    /// The place from which reading yields this record.
    public var position: Position

    public init(ordinal: Int, position: Position) {
        self.ordinal = ordinal
        self.position = position
    }
}
