import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("Runs and checkpoints as an SQL store keeps them")
struct RunLedgerTests {
    static let run = {
        var counts = RunCounts()
        counts.found = 3
        counts.rows = ["users": 3]
        return RunRecord(
            runID: "nightly-1", state: .unpublished, logicalDate: "2026-01-01T00:00:00.000Z",
            startedAt: "2026-01-02T00:00:00.000Z", finishedAt: "2026-01-02T00:00:01.000Z", counts: counts,
            version: "0.1")
    }()
    static let checkpoint = Checkpoint(
        runID: "nightly-1", commitNumber: 7,
        progress: RunProgress(
            nextOrdinal: 70, inputEnded: true, position: Position(offset: 5, line: 2),
            parked: [ParkedRecord(ordinal: 4, position: Position(offset: 1))], inputHash: "ab",
            sourceState: #"{"rate":2.5,"note":"a b"}"#),
        counts: run.counts, fingerprint: "f")

    private func ledger(_ database: ScriptedDatabase) -> RunLedger {
        RunLedger(database, pipeline: "nightly", shard: 2)
    }

    /// The row that a write has sent, as a read by the same columns gives it: without pipeline, behind the shard.
    private func written(_ database: ScriptedDatabase) throws -> [String?] {
        try Array(#require(database.asked.last).arguments.dropFirst())
    }

    @Test("A run comes back as it was written")
    func runs() throws {
        let database = ScriptedDatabase()
        try ledger(database).write(Self.run)
        let sql = try #require(database.asked.last).sql
        #expect(sql.hasPrefix(#"INSERT INTO s.sluice_runs ("pipeline", "shard", "run_id", "state""#))
        #expect(sql.contains(#"ON CONFLICT ("pipeline", "shard", "run_id") DO UPDATE SET "state" = excluded."state""#))
        database.answers = [("FROM s.sluice_runs", [try written(database)])]
        #expect(try ledger(database).run(withID: "nightly-1") == Self.run)
        #expect(database.asked.last?.arguments == ["nightly", "2", "nightly-1"])
    }

    @Test("A checkpoint comes back as it was written, whatever spaces the database puts into JSON")
    func checkpoints() throws {
        let database = ScriptedDatabase()
        try ledger(database).write(Self.checkpoint)
        var row = try written(database)
        #expect(row.count == LedgerTables.checkpoints.columns.count - 1)
        let place = try #require(LedgerTables.checkpoints.index(of: "source_state")) - 1
        #expect(row[place] == Self.checkpoint.progress.sourceState)
        row[place] = #"{"rate": 2.5, "note": "a b"}"#
        database.answers = [("FROM s.sluice_checkpoints", [row])]
        #expect(try ledger(database).checkpoint() == Self.checkpoint)
        #expect(database.asked.last?.sql.hasSuffix("shard = #2") == true)
        #expect(try ledger(database).checkpoint(isLocking: true) == Self.checkpoint)
        #expect(database.asked.last?.sql.hasSuffix("shard = #2 LOCKED") == true)
    }

    @Test(
        "What can't be read is refused, and never taken for absent",
        arguments: [("state", "fine", "'fine' is no state of a run"), ("counts", "[", "the counts: ")])
    func unreadable(_ column: String, _ text: String, _ reason: String) throws {
        let database = ScriptedDatabase()
        try ledger(database).write(Self.run)
        var row = try written(database)
        row[try #require(LedgerTables.runs.index(of: column)) - 1] = text
        database.answers = [("FROM s.sluice_runs", [row])]
        let error = #expect(throws: PipelineError.self) { try ledger(database).run(withID: "nightly-1") }
        #expect(error?.kind == .configuration)
        let start =
            "here: the state of pipeline 'nightly' can't be read: column '\(column)' of run nightly-1: \(reason)"
        #expect(error?.message.hasPrefix(start) == true)
        #expect(error?.hint?.contains("--fresh") == true)
    }

    @Test("A number of a checkpoint that is none is refused", arguments: [nil, "", "x", "1.5"])
    func numbers(_ text: String?) throws {
        let database = ScriptedDatabase()
        try ledger(database).write(Self.checkpoint)
        var row = try written(database)
        row[try #require(LedgerTables.checkpoints.index(of: "next_ordinal")) - 1] = text
        database.answers = [("FROM s.sluice_checkpoints", [row])]
        #expect(throws: PipelineError.self) { try ledger(database).checkpoint() }
    }

    // MARK: Beginning

    @Test("In 'append' a shard's run isn't done again where others have their part in it")
    func otherShards() throws {
        let database = ScriptedDatabase()
        try ledger(database).write(Self.run)
        let row = try written(database)
        database.answers = [("shard <> #2", [["1"]]), ("FROM s.sluice_runs", [row])]
        let error = #expect(throws: PipelineError.self) {
            try ledger(database).clear("nightly-1", .trial(.append))
        }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("has been written by other shards too") == true)
    }

    @Test("Of an earlier execution 'append' keeps nothing, 'merge' the rows, 'replace' all that is published")
    func clearing() throws {
        func cleared(_ mode: WriteMode) throws -> [String] {
            let database = ScriptedDatabase()
            try ledger(database).write(Self.run)
            database.answers = [("shard <> #2", []), ("FROM s.sluice_runs", [try written(database)])]
            let before = database.asked.count
            try ledger(database).clear("nightly-1", .trial(mode))
            return database.asked[before...].map(\.sql).filter { !$0.hasPrefix("SELECT") }
        }
        let failures = "DELETE FROM s.failures WHERE run_id = #1 AND shard = 0"
        #expect(try cleared(.replace) == [failures])
        #expect(
            try cleared(.merge) == [failures]
                + ["users", "endpoints"].map { "UPDATE s.\($0) SET ordinal = -1 WHERE run_id = #1" })
        #expect(
            try cleared(.append) == [failures]
                + ["endpoint_metrics", "endpoint_attributes", "endpoints", "users"].map {
                    "DELETE FROM s.\($0) WHERE run_id = #1"
                })
    }

    // MARK: Lost tables

    @Test("Tables are missed only where an unfinished run has committed to them")
    func droppedTables() throws {
        let layout = try StoreLayout.trial(.merge)
        let ledgerTables = Set(LedgerTables.all.map(\.name))
        let database = ScriptedDatabase([("commit_number > 0", [["1"]])])
        #expect(try ledger(database).droppedTables(of: layout, existing: []) == [])
        #expect(
            try ledger(database).droppedTables(of: layout, existing: ledgerTables.union(["users", "endpoints"]))
                == ["endpoint_attributes", "endpoint_metrics", "failures"])
        database.answers = []
        #expect(try ledger(database).droppedTables(of: layout, existing: ledgerTables) == [])
    }

    @Test("A first try's tables are known by their owner, unless anything else was ever written")
    func firstTry() throws {
        let database = ScriptedDatabase([("SELECT table_name", [["endpoints"], ["users"]])])
        let existing: Set = ["users", "endpoints", "sluice_next_users", "other"]
        #expect(
            try ledger(database).tablesOfFirstTry(existing: existing) == ["endpoints", "users", "sluice_next_users"])
        database.answers.insert(("UNION ALL", [["1"]]), at: 0)
        #expect(try ledger(database).tablesOfFirstTry(existing: existing) == nil)
    }
}
