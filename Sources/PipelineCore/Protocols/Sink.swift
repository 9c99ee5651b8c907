/// A configured sink: a place that takes batches and holds its own checkpoint.
public protocol Sink: Sendable {
    /// The plugin's type, as the configuration spells it.
    var typeName: String { get }
    /// The name in the configuration, else the type; unique within a pipeline.
    var name: String { get }
    /// Where the rows go, for messages and the summary; no secret in it.
    var target: String { get }
    /// The same for two sinks of one type that are told to be one place, however that is spelled. What stands in files
    /// needs none: the host compares the places that the options name.
    var targetIdentity: String { get }
    /// `merge`, `append` or `replace`.
    var mode: WriteMode { get }
    /// How a map with free names stands in a JSON column, where the layout has such columns.
    var mapForm: MapForm { get }
    /// Whether a run's failures can be fetched again when readers see its rows already.
    var amendsPublishedRuns: Bool { get }
    /// Grows when the same rows are written in another form: part of the fingerprint, so that no run goes on with rows of two
    /// forms.
    var contentVersion: Int { get }
    /// What is promised of its commits, in a line without a full stop.
    var guarantee: String { get }
    /// Looks at the sink's place as `open` would find it, and makes, locks and changes nothing.
    ///
    /// - Throws: `PipelineError` with which `open` would end.
    func inspect(_ context: SinkContext) async throws -> SinkInspection
    /// Opens the sink, takes its lock, and creates what is missing.
    ///
    /// - Throws: `PipelineError`: `.temporary` where another run holds the lock (it says who), `.cantCreate`,
    ///   `.unavailable`, `.configuration` where the tables belong to another mode.
    func open(_ context: SinkContext) async throws -> any SinkSession
    /// Opens the sink's store to look at it. It may not be there yet: then it has no runs.
    ///
    /// - Throws: `PipelineError`: `.unavailable` where a server doesn't answer, `.noInput` where what is there can't be read,
    ///   `.permission`, `.temporary` where it is locked at this moment.
    func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader
}

extension Sink {
    /// A sink that can't be read back says so.
    public func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader {
        throw PipelineError(
            .configuration, "sink '\(name)' is of type '\(typeName)', which can't be read back",
            hint: "Look at \(target) with a tool of its own.")
    }
}

extension Sink {
    public var targetIdentity: String { target }
    public var mapForm: MapForm { .object }
    public var amendsPublishedRuns: Bool { true }
    public var contentVersion: Int { 0 }
}

/// How a map with free names stands in a JSON column.
public enum MapForm: Sendable, Hashable {
    /// `{"Interests":["a"]}`, metrics `{"age":39.0}`: what a database's JSON functions are made for.
    case object
    /// `[{"name":"Interests","values":["a"]}]`, metrics `[{"name":"age","value":39.0}]`, in the answer's order: loaders fold
    /// free keys, or refuse them.
    case entries
}

/// What a sink is told when it is opened.
public struct SinkContext: Sendable {
    public var pipeline: String
    /// From 0; 0 where the run isn't sharded.
    public var shard: Int
    /// How many shards the run has; 1 where it isn't sharded.
    public var shards: Int
    /// In the order of a batch's buffers.
    public var tables: [TableDefinition]
    /// What becomes of a table that exists and lacks some of its columns.
    public var onNewColumns: NewColumnsPolicy
    /// Which of two rows with one endpoint's key counts, where no user's fetch decides it.
    public var conflict: ConflictPolicy
    /// Told what the sink waits for while it does (a server, somebody's lock), in words that follow "waiting: "; nil once it
    /// goes on. For a display; without user IDs and secrets.
    public var waits: @Sendable (String?) -> Void

    public init(
        pipeline: String, shard: Int = 0, shards: Int = 1, tables: [TableDefinition],
        onNewColumns: NewColumnsPolicy = .add, conflict: ConflictPolicy = .last,
        waits: @escaping @Sendable (String?) -> Void = { _ in }
    ) {
        self.pipeline = pipeline
        self.shard = shard
        self.shards = shards
        self.conflict = conflict
        self.tables = tables
        self.onNewColumns = onNewColumns
        self.waits = waits
    }
}

/// What to do where a table exists and lacks columns that the layout has.
public enum NewColumnsPolicy: String, Sendable, Hashable, CaseIterable {
    /// Add them; the rows that are there have nothing in them.
    case add
    /// Refuse to open the sink; the table stays as it is.
    case refuse
}

/// Which of two rows with one endpoint's key counts: within a batch, in the store, and in `append` and `replace` within the
/// run. The one that gives way is counted as superseded, and its parts go with it. A store without keys keeps both.
public enum ConflictPolicy: String, Sendable, Hashable, CaseIterable {
    /// The one that comes later replaces the earlier one unless its `effective_date` is older; none is older than any.
    case newest
    /// The one that comes later, always.
    case last
}

/// What a sink holds of one pipeline and shard.
public struct SinkState: Sendable {
    /// The newest run, nil where there was none.
    public var lastRun: RunRecord?
    /// The newest run's checkpoint.
    public var checkpoint: Checkpoint?
    /// Why the newest run can't be gone on with, where what the store holds of it can't be read; it can still be given up.
    public var fault: PipelineError?

    public init(lastRun: RunRecord? = nil, checkpoint: Checkpoint? = nil, fault: PipelineError? = nil) {
        self.lastRun = lastRun
        self.checkpoint = checkpoint
        self.fault = fault
    }
}

/// An opened sink. Its actor runs on an executor of its own, because the C calls below it block.
///
/// Each commit has two steps: `prepare`, then `commit` or `abandon`. After an error of `prepare` the session has
/// abandoned the batch by itself; after an error of `commit` nothing but `close` follows, and only the sink's store
/// knows whether the batch is in it.
///
/// A cancelled task still finishes what it can finish at once, so that a commit isn't torn; but a session that waits for a
/// server to come back then gives up with `.temporary`.
public protocol SinkSession: Closable {
    /// What the store holds now.
    func state() async throws -> SinkState
    /// The run with this ID, nil where the store has none.
    func run(withID runID: String) async throws -> RunRecord?
    /// Marks an unfinished run `abandoned`. Its rows stay as they are in `merge` and `append`; what was never
    /// published of a `replace`, or of a store in files, goes.
    func abandonRun(_ runID: String) async throws
    /// Begins a run, durably: its record as `running` and its checkpoint at the start.
    ///
    /// A run with this ID that the store has already is done again: its failures go at once, and its rows in `append`;
    /// what a `replace` or a store in files has published of it stays until this one takes its place.
    func begin(_ run: RunRecord, fingerprint: String) async throws -> Checkpoint
    /// The newest run's records that have a row of `failures`, in ordinal order, from an ordinal on.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate` where that run has failures and can't be amended any more; it says
    ///   why, and what to do instead.
    func failures(from ordinal: Int, limit: Int) async throws -> [FailedRecord]
    /// Writes the batch's rows and its checkpoint, without making them durable or visible.
    ///
    /// A batch that amends a run (see `Batch.amends`) goes where that run's rows are: into what is published, or into what
    /// waits. Rows of failures that it names go. Of two rows of this run with one key that of the higher ordinal stays, as if
    /// the amended records had been written in their turn; the run's state doesn't change.
    ///
    /// - Returns: The checkpoint that `commit` makes the store's: the one before, `advanced(by:observed:)`. The engine compares
    ///   it with that rule before anything is committed.
    func prepare(_ batch: Batch) async throws -> Checkpoint
    /// Writes the run's end (its state, its time of ending, its counts; what `replace` publishes), without making it
    /// durable or visible.
    ///
    /// - Parameter state: `.complete`, which publishes; or, of a `replace`, `.unpublished`: then the content that readers
    ///   see stays, and a later call with `.complete` publishes what waits.
    /// - Returns: The checkpoint that `commit` makes the store's: the one before, `completed(observed:)`. Of a `replace` that is
    ///   published, `observed` holds the endpoints that stood there before, and those of them that are gone.
    func prepareCompletion(state: RunState, finishedAt: String) async throws -> Checkpoint
    /// Makes what was prepared durable and visible, at once.
    func commit() async throws
    /// Undoes what was prepared.
    func abandon() async
    /// Releases the lock and everything else; an open transaction is undone.
    func close() async
}
