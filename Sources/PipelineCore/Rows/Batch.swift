/// The rows of consecutive ordinals, and the checkpoint that covers them. The unit of commit.
public struct Batch: Sendable {
    /// The number that the sink's checkpoint has once this batch is committed.
    public var commitNumber: Int
    /// One buffer for each table, in the layout's order.
    public var tables: [RowBuffer]
    /// What this batch adds to the run's counts, apart from what a sink alone can count (`RunCounts.Authority.sink`).
    public var counts: RunCounts
    /// How far the run has come with this batch.
    public var progress: RunProgress
    /// Ordinals whose rows of `failures` go when this batch is committed: it amends a run that has ended, with records that
    /// were fetched again. Its counts are what the run's change by. Empty for all other batches.
    public var amends: [Int] = []
    /// Files of an archive that were left out on the way to this batch's end.
    public var leftOutFiles: [LeftOutFile] = []
    /// Endpoints that a filter has taken out of records that no user was asked for in: what a store holds by such a key
    /// goes, unless it is newer. Stores without keys have no use for it. Its columns are those of `Tombstones`.
    public var tombstones: RowBuffer

    public init(
        commitNumber: Int, tables: [RowBuffer], counts: RunCounts, progress: RunProgress,
        tombstones: RowBuffer = Tombstones.none
    ) {
        self.commitNumber = commitNumber
        self.tables = tables
        self.counts = counts
        self.progress = progress
        self.tombstones = tombstones
    }
}

/// The columns of a batch's tombstones, by their place.
public enum Tombstones {
    /// Text, as is the endpoint's ID; both as the rows of the endpoints table have them.
    public static let applicationID = 0
    public static let endpointID = 1
    /// A time, or null.
    public static let effectiveDate = 2
    /// The record's, an integer.
    public static let ordinal = 3

    /// The same as a table's definition, for whoever stages it.
    public static let columns = [
        Column("application_id", .text), Column("endpoint_id", .text), Column("effective_date", .time),
        Column("ordinal", .integer),
    ]
    /// No endpoint.
    public static var none: RowBuffer { RowBuffer(columnCount: columns.count) }
}
