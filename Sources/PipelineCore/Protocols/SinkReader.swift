/// A sink's store that is only looked at: nothing is made, nothing is locked, and a run that writes there isn't waited for.
///
/// Its actor runs on an executor of its own, because the C calls below it block. What it gives is one state of the store, as of
/// the first call, where the store can do that.
public protocol SinkReader: Closable {
    /// What the store knows of the pipeline's runs, of all its shards.
    func runs() async throws -> StoredRuns
    /// What the store itself says that a complete run's rows are, and what of that isn't so.
    func account(ofRun runID: String) async throws -> StoreAccount
    /// Begins to read a table's rows of one run, in any order; parts of endpoints belong to the run that wrote the endpoint.
    ///
    /// - Parameter table: One of the context's. What the store lacks of its columns is null; a table that isn't there has no
    ///   rows.
    func read(_ table: TableDefinition, ofRun runID: String) async throws
    /// The next rows, with cells in the order of the table's columns; nil behind the last one.
    ///
    /// A cell has the kind that the store gives it, which may be another one than its column's, where somebody changed it.
    func nextRows() async throws -> RowBuffer?
    /// Releases everything.
    func close() async
}

/// What a reader of a sink's store is told.
public struct SinkReadingContext: Sendable {
    public var pipeline: String
    /// As the sink's runs write them.
    public var tables: [TableDefinition]

    public init(pipeline: String, tables: [TableDefinition]) {
        self.pipeline = pipeline
        self.tables = tables
    }
}

/// What a store knows of a pipeline's runs.
public struct StoredRuns: Sendable {
    /// In the order in which they began; a sharded run has an entry for each of its shards.
    public var runs: [StoredRun]
    /// Other pipelines that write into the same tables.
    public var neighbours: [String]
    /// Whether equal keys are one row. Of a store without keys, such as files, the later one of two counts.
    public var isKeyed: Bool

    public init(runs: [StoredRun] = [], neighbours: [String] = [], isKeyed: Bool) {
        self.runs = runs
        self.neighbours = neighbours
        self.isKeyed = isKeyed
    }
}

/// A run, or one shard of it, as a store knows it.
public struct StoredRun: Sendable {
    /// From 0.
    public var shard: Int
    /// How many shards the run has; nil where the store doesn't know.
    public var shards: Int?
    public var record: RunRecord
    /// How far it has come; nil where a later run's checkpoint has taken the place of its own.
    public var progress: StoredProgress?
    /// Whether a process holds the lock under which it is written; nil where that can't be known.
    public var isUnderWay: Bool?

    public init(
        shard: Int, shards: Int? = nil, record: RunRecord, progress: StoredProgress?, isUnderWay: Bool? = nil
    ) {
        self.isUnderWay = isUnderWay
        self.shard = shard
        self.shards = shards
        self.record = record
        self.progress = progress
    }
}

/// What a checkpoint says of how far a run has come.
public struct StoredProgress: Sendable, Hashable {
    public var commitNumber: Int
    /// The first ordinal never put in a batch.
    public var nextOrdinal: Int
    /// Records that were read.
    public var consumed: Int
    public var inputEnded: Bool
    /// Parked users.
    public var parked: Int

    /// - Parameter consumed: Left out, `nextOrdinal`: of a list both are the same.
    public init(commitNumber: Int, nextOrdinal: Int, consumed: Int? = nil, inputEnded: Bool, parked: Int) {
        self.commitNumber = commitNumber
        self.nextOrdinal = nextOrdinal
        self.consumed = consumed ?? nextOrdinal
        self.inputEnded = inputEnded
        self.parked = parked
    }
}

/// What a store itself says of a run's rows, beside the counts of the run.
public struct StoreAccount: Sendable {
    /// Rows that must be there, by table; a store that doesn't say has none.
    public var rows: [String: Int]
    /// What is missing of the tables themselves. Clauses for people, without values of rows, as the next ones.
    public var faults: [String]
    /// What has other bytes than the store says, which need not mean other rows.
    public var alterations: [String]

    public init(rows: [String: Int] = [:], faults: [String] = [], alterations: [String] = []) {
        self.rows = rows
        self.faults = faults
        self.alterations = alterations
    }
}
