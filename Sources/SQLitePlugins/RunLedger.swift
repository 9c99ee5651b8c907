internal import PipelineCore

/// The runs and checkpoints of one pipeline and shard, in the tables `sluice_runs` and `sluice_checkpoints`.
///
/// Its methods read and write; transactions are the caller's.
struct RunLedger {
    let pipeline: String
    let shard: Int
    private let connection: SQLiteConnection
    private let selectRun: SQLiteStatement
    private let selectCheckpoint: SQLiteStatement
    private let replaceRun: SQLiteStatement
    private let replaceCheckpoint: SQLiteStatement
    private let updateCounts: SQLiteStatement
    private let updateState: SQLiteStatement

    /// The tables must exist.
    init(_ connection: SQLiteConnection, pipeline: String, shard: Int) throws {
        self.connection = connection
        self.pipeline = pipeline
        self.shard = shard
        let runs = Self.runs.columns.map(\.name)
        let checkpoints = Self.checkpoints.columns.map(\.name)
        selectRun = try connection.prepare(
            "SELECT \(list(runs)) FROM sluice_runs WHERE pipeline = ?1 AND shard = ?2 AND run_id = ?3")
        selectCheckpoint = try connection.prepare(
            "SELECT \(list(checkpoints)) FROM sluice_checkpoints WHERE pipeline = ?1 AND shard = ?2")
        replaceRun = try connection.prepare(Self.replace("sluice_runs", runs))
        replaceCheckpoint = try connection.prepare(Self.replace("sluice_checkpoints", checkpoints))
        updateCounts = try connection.prepare(
            "UPDATE sluice_runs SET counts = ?4 WHERE pipeline = ?1 AND shard = ?2 AND run_id = ?3")
        updateState = try connection.prepare(
            "UPDATE sluice_runs SET state = ?4, finished_at = ?5 WHERE pipeline = ?1 AND shard = ?2 AND run_id = ?3")
    }

    private static func replace(_ table: String, _ columns: [String]) -> String {
        let places = (1...columns.count).map { "?\($0)" }.joined(separator: ", ")
        return "INSERT OR REPLACE INTO \(table) (\(list(columns))) VALUES (\(places))"
    }

    // MARK: Reading

    func state() throws -> SinkState {
        guard let checkpoint = try checkpoint() else { return SinkState() }
        return SinkState(lastRun: try run(withID: checkpoint.runID), checkpoint: checkpoint)
    }

    func run(withID runID: String) throws -> RunRecord? {
        try bind(selectRun)
        try selectRun.bind(3, runID)
        defer { selectRun.reset() }
        guard try selectRun.step() else { return nil }
        let row = selectRun
        let stateText = row.text(3) ?? ""
        guard let state = RunState(rawValue: stateText) else {
            throw unreadable("run \(runID) has the state '\(stateText)'")
        }
        return RunRecord(
            runID: runID, state: state, logicalDate: row.text(4) ?? "", startedAt: row.text(5) ?? "",
            finishedAt: row.text(6), counts: try decoded("counts") { try RunCounts(json: row.text(7) ?? "") },
            version: row.text(8) ?? "")
    }

    /// Whether other shards have begun this run.
    func hasOtherShards(ofRun runID: String) throws -> Bool {
        try !connection.query(
            "SELECT 1 FROM sluice_runs WHERE pipeline = ?1 AND run_id = ?2 AND shard <> \(shard)", pipeline, runID
        ).isEmpty
    }

    func checkpoint() throws -> Checkpoint? {
        try bind(selectCheckpoint)
        defer { selectCheckpoint.reset() }
        guard try selectCheckpoint.step() else { return nil }
        let row = selectCheckpoint
        let progress = RunProgress(
            nextOrdinal: row.integer(4), inputEnded: row.integer(5) != 0,
            position: try decoded("position") { try Position(json: row.text(6) ?? "") },
            parked: try decoded("parked") { try [ParkedRecord](json: row.text(7) ?? "") },
            inputHash: row.text(9) ?? "", sourceState: row.text(10))
        return Checkpoint(
            runID: row.text(2) ?? "", commitNumber: row.integer(3), progress: progress,
            counts: try decoded("counts") { try RunCounts(json: row.text(8) ?? "") },
            fingerprint: row.text(11) ?? "")
    }

    private func decoded<Value>(_ column: String, _ decode: () throws -> Value) throws -> Value {
        do { return try decode() } catch { throw unreadable("column '\(column)' of its checkpoint: \(error)") }
    }

    private func unreadable(_ what: String) -> PipelineError {
        PipelineError(
            .configuration, "\(connection.path): the state of pipeline '\(pipeline)' can't be read: \(what)",
            hint: "It was written by another version or changed by hand. Restore the file, or begin anew with --fresh.")
    }

    // MARK: Writing

    func write(_ run: RunRecord) throws {
        try bind(replaceRun)
        try replaceRun.bind(3, run.runID)
        try replaceRun.bind(4, run.state.rawValue)
        try replaceRun.bind(5, run.logicalDate)
        try replaceRun.bind(6, run.startedAt)
        try replaceRun.bind(7, run.finishedAt)
        try replaceRun.bind(8, run.counts.json)
        try replaceRun.bind(9, run.version)
        try replaceRun.run()
    }

    func write(_ checkpoint: Checkpoint) throws {
        let progress = checkpoint.progress
        try bind(replaceCheckpoint)
        try replaceCheckpoint.bind(3, checkpoint.runID)
        try replaceCheckpoint.bind(4, checkpoint.commitNumber)
        try replaceCheckpoint.bind(5, progress.nextOrdinal)
        try replaceCheckpoint.bind(6, progress.inputEnded ? 1 : 0)
        try replaceCheckpoint.bind(7, progress.position.json)
        try replaceCheckpoint.bind(8, progress.parked.json)
        try replaceCheckpoint.bind(9, checkpoint.counts.json)
        try replaceCheckpoint.bind(10, progress.inputHash)
        try replaceCheckpoint.bind(11, progress.sourceState)
        try replaceCheckpoint.bind(12, checkpoint.fingerprint)
        try replaceCheckpoint.bind(13, Timestamp.now.text)
        try replaceCheckpoint.run()
    }

    func update(_ counts: RunCounts, ofRun runID: String) throws {
        try bind(updateCounts)
        try updateCounts.bind(3, runID)
        try updateCounts.bind(4, counts.json)
        try updateCounts.run()
    }

    func update(_ state: RunState, finishedAt: String, ofRun runID: String) throws {
        try bind(updateState)
        try updateState.bind(3, runID)
        try updateState.bind(4, state.rawValue)
        try updateState.bind(5, finishedAt)
        try updateState.run()
    }

    private func bind(_ statement: SQLiteStatement) throws {
        try statement.bind(1, pipeline)
        try statement.bind(2, shard)
    }
}

extension RunLedger {
    static let runs = LedgerTables.runs
    static let checkpoints = LedgerTables.checkpoints
    /// Which pipeline and mode a table belongs to.
    static let owners = LedgerTables.owners
    static let tables = LedgerTables.all
}
