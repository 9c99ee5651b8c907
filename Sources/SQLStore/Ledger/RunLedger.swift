public import PipelineCore

/// The runs and checkpoints of one pipeline and shard, in the tables `sluice_runs` and `sluice_checkpoints`.
///
/// Its methods read and write; transactions are the caller's. What can't be read is a `PipelineError` of kind
/// `.configuration`, never an absent run.
public struct RunLedger {
    let database: any SQLDatabase
    public let pipeline: String
    public let shard: Int

    /// The tables of `LedgerTables` must be there.
    public init(_ database: any SQLDatabase, pipeline: String, shard: Int) {
        self.database = database
        self.pipeline = pipeline
        self.shard = shard
    }

    private var runs: String { database.name(LedgerTables.runs.name) }
    /// The condition of this ledger's own rows; pipeline, shard and run ID are the arguments 1 to 3.
    private var ofRun: String {
        "pipeline = \(database.parameter(1)) AND shard = \(database.parameter(2)) AND run_id = \(database.parameter(3))"
    }

    private func own<Value: LedgerValue>(
        _ type: Value.Type, _ condition: String = "", _ arguments: [String?] = []
    ) throws -> Value? {
        try Value.rows(
            in: database, pipeline: pipeline, " AND shard = \(database.parameter(2))\(condition)",
            [String(shard)] + arguments, hint: " Restore it, or begin anew with --fresh."
        ).first?.value
    }

    // MARK: Reading

    /// The newest run with its checkpoint.
    public func state() throws -> SinkState {
        guard let checkpoint = try checkpoint() else { return SinkState() }
        return SinkState(lastRun: try run(withID: checkpoint.runID), checkpoint: checkpoint)
    }

    /// The run with this ID, nil where this shard hasn't begun it.
    public func run(withID runID: String) throws -> RunRecord? {
        try own(RunRecord.self, " AND run_id = \(database.parameter(3))", [runID])
    }

    /// The newest run's checkpoint.
    ///
    /// - Parameter isLocking: keeps everybody else from changing it until the transaction ends.
    public func checkpoint(isLocking: Bool = false) throws -> Checkpoint? {
        try own(Checkpoint.self, isLocking ? database.rowLock : "")
    }

    /// Whether other shards have begun this run.
    func hasOtherShards(ofRun runID: String) throws -> Bool {
        try !database.rows(
            "SELECT 1 FROM \(runs) WHERE pipeline = \(database.parameter(1)) AND shard <> \(database.parameter(2)) "
                + "AND run_id = \(database.parameter(3)) LIMIT 1", [pipeline, String(shard), runID]
        ).isEmpty
    }

    // MARK: Writing

    /// Writes a run's record, in the place of an earlier one.
    public func write(_ run: RunRecord) throws { try run.write(to: database, pipeline: pipeline, shard: shard) }

    /// Writes the checkpoint, in the place of the one before.
    public func write(_ checkpoint: Checkpoint) throws {
        try checkpoint.write(to: database, pipeline: pipeline, shard: shard)
    }

    /// Writes a run's counts alone.
    public func update(_ counts: RunCounts, ofRun runID: String) throws {
        try database.rows(
            "UPDATE \(runs) SET counts = \(database.parameter(4)) WHERE \(ofRun)",
            [pipeline, String(shard), runID, counts.json])
    }

    /// Writes a run's state and end alone.
    public func update(_ state: RunState, finishedAt: String, ofRun runID: String) throws {
        try database.rows(
            "UPDATE \(runs) SET state = \(database.parameter(4)), finished_at = \(database.parameter(5)) WHERE \(ofRun)",
            [pipeline, String(shard), runID, state.rawValue, finishedAt])
    }
}
