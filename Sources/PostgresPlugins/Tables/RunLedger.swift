internal import PipelineCore

/// The runs and checkpoints of one pipeline and shard, in the tables `sluice_runs` and `sluice_checkpoints`.
///
/// Its methods read and write; transactions are the caller's.
struct RunLedger {
    private let connection: PostgresConnection
    private let tables: PostgresTables
    private let shard: Int
    private let runs: String
    private let checkpoints: String

    init(_ connection: PostgresConnection, _ tables: PostgresTables, shard: Int) {
        self.connection = connection
        self.tables = tables
        self.shard = shard
        runs = tables.name(Self.runs.name)
        checkpoints = tables.name(Self.checkpoints.name)
    }

    private var key: [String?] { [tables.pipeline, String(shard)] }

    // MARK: Reading

    func state() throws -> SinkState {
        guard let checkpoint = try checkpoint() else { return SinkState() }
        return SinkState(lastRun: try run(withID: checkpoint.runID), checkpoint: checkpoint)
    }

    func run(withID runID: String) throws -> RunRecord? {
        let result = try connection.query(
            """
            SELECT state, \(timeText("logical_date")), \(timeText("started_at")), \(timeText("finished_at")),
                counts::text, version
            FROM \(runs) WHERE pipeline = $1 AND shard = $2 AND run_id = $3
            """, key + [runID])
        guard result.rowCount > 0 else { return nil }
        let stateText = result.text(0, 0) ?? ""
        guard let state = RunState(rawValue: stateText) else {
            throw unreadable("run \(runID) has the state '\(stateText)'")
        }
        return RunRecord(
            runID: runID, state: state, logicalDate: result.text(0, 1) ?? "", startedAt: result.text(0, 2) ?? "",
            finishedAt: result.text(0, 3),
            counts: try decoded("counts") { try RunCounts(json: result.text(0, 4) ?? "") },
            version: result.text(0, 5) ?? "")
    }

    /// - Parameter isLocking: keeps everybody else from changing it until the transaction ends.
    func checkpoint(isLocking: Bool = false) throws -> Checkpoint? {
        let row = try connection.query(
            """
            SELECT run_id, commit_number, next_ordinal, input_ended, "position"::text, parked::text, counts::text,
                input_hash, source_state::text, fingerprint
            FROM \(checkpoints) WHERE pipeline = $1 AND shard = $2\(isLocking ? " FOR UPDATE" : "")
            """, key)
        guard row.rowCount > 0 else { return nil }
        let progress = RunProgress(
            nextOrdinal: row.integer(0, 2), inputEnded: row.integer(0, 3) != 0,
            position: try decoded("position") { try Position(json: row.text(0, 4) ?? "") },
            parked: try decoded("parked") { try [ParkedRecord](json: row.text(0, 5) ?? "") },
            inputHash: row.text(0, 7) ?? "", sourceState: row.text(0, 8).map(Self.compact))
        return Checkpoint(
            runID: row.text(0, 0) ?? "", commitNumber: row.integer(0, 1), progress: progress,
            counts: try decoded("counts") { try RunCounts(json: row.text(0, 6) ?? "") },
            fingerprint: row.text(0, 9) ?? "")
    }

    /// JSON without the spaces that the server puts between its parts.
    private static func compact(_ json: String) -> String {
        var result = ""
        var isInString = false
        var isEscaped = false
        for scalar in json.unicodeScalars {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    isInString = false
                }
            } else if scalar == " " {
                continue
            } else if scalar == "\"" {
                isInString = true
            }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private func decoded<Value>(_ column: String, _ decode: () throws -> Value) throws -> Value {
        do { return try decode() } catch { throw unreadable("column '\(column)': \(error)") }
    }

    private func unreadable(_ what: String) -> PipelineError {
        PipelineError(
            .configuration,
            "\(tables.target): the state of pipeline '\(tables.pipeline)' can't be read: \(what)",
            hint: "It was written by another version or changed by hand. Restore it, or begin anew with --fresh.")
    }

    // MARK: Writing

    func write(_ run: RunRecord) throws {
        try upsert(
            Self.runs,
            key + [
                run.runID, run.state.rawValue, run.logicalDate, run.startedAt, run.finishedAt, run.counts.json,
                run.version,
            ])
    }

    func write(_ checkpoint: Checkpoint) throws {
        let progress = checkpoint.progress
        try upsert(
            Self.checkpoints,
            key + [
                checkpoint.runID, String(checkpoint.commitNumber), String(progress.nextOrdinal),
                progress.inputEnded ? "1" : "0", progress.position.json, progress.parked.json, checkpoint.counts.json,
                progress.inputHash, progress.sourceState, checkpoint.fingerprint, Timestamp.now.text,
            ])
    }

    private func upsert(_ table: TableDefinition, _ values: [String?]) throws {
        let names = table.columns.map(\.name)
        let updates = names.filter { !table.key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        try connection.query(
            "INSERT INTO \(tables.name(table.name)) (\(list(names))) "
                + "VALUES (\(names.indices.map { "$\($0 + 1)" }.joined(separator: ", "))) "
                + "ON CONFLICT (\(list(table.key))) DO UPDATE SET \(updates.joined(separator: ", "))", values)
    }

    func update(_ counts: RunCounts, ofRun runID: String) throws {
        try connection.query(
            "UPDATE \(runs) SET counts = $4 WHERE pipeline = $1 AND shard = $2 AND run_id = $3",
            key + [runID, counts.json])
    }

    func update(_ state: RunState, finishedAt: String, ofRun runID: String) throws {
        try connection.query(
            "UPDATE \(runs) SET state = $4, finished_at = $5 WHERE pipeline = $1 AND shard = $2 AND run_id = $3",
            key + [runID, state.rawValue, finishedAt])
    }

    /// Whether another shard has its part in this run.
    func otherShardsHave(_ runID: String) throws -> Bool {
        try connection.query(
            "SELECT 1 FROM \(runs) WHERE pipeline = $1 AND shard <> $2 AND run_id = $3 LIMIT 1", key + [runID]
        ).rowCount > 0
    }
}

extension RunLedger {
    static let runs = LedgerTables.runs
    static let checkpoints = LedgerTables.checkpoints
    /// Which pipeline and mode a table belongs to.
    static let owners = LedgerTables.owners
    static let tables = LedgerTables.all
}
