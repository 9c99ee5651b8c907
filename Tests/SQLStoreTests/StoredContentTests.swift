import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("Reading a store back")
struct StoredContentTests {
    private func content(_ mode: WriteMode, lacking: [String: [String]] = [:], _ database: ScriptedDatabase)
        -> StoredContent
    {
        let tables = SinkFixture.tables(for: mode)
        var columns = Dictionary(
            uniqueKeysWithValues: (tables + LedgerTables.all).map { ($0.name, Set($0.columns.map(\.name))) })
        for (table, names) in lacking {
            if names.isEmpty { columns[table] = nil } else { columns[table]?.subtract(names) }
        }
        return StoredContent(
            database, SinkReadingContext(pipeline: "nightly", tables: tables), mode: mode, columns: columns)
    }

    private func selection(_ table: Int, _ mode: WriteMode, lacking: [String: [String]] = [:]) -> String? {
        content(mode, lacking: lacking, ScriptedDatabase()).selection(
            from: SinkFixture.tables(for: mode)[table], ofRun: "r'1", join: "CROSS JOIN"
        ) { $0.name }
    }

    @Test("A run's rows are told by their own run_id, or by that of their endpoint")
    func selections() {
        let join =
            "FROM s.endpoints AS e CROSS JOIN s.endpoint_metrics AS t "
            + #"ON t."application_id" = e."application_id" AND t."endpoint_id" = e."endpoint_id" WHERE e.run_id = 'r''1'"#
        let values = "SELECT application_id, endpoint_id, name, value"
        #expect(selection(3, .merge) == "\(values) \(join)")
        #expect(selection(3, .append) == "\(values), run_id FROM s.endpoint_metrics AS t WHERE t.run_id = 'r''1'")
        #expect(selection(3, .replace) == "\(values) FROM s.endpoint_metrics AS t")
        #expect(selection(4, .replace)?.hasSuffix("FROM s.failures AS t WHERE t.run_id = 'r''1'") == true)
    }

    @Test("What is missing is null, or leaves no rows")
    func missing() {
        #expect(
            selection(4, .merge, lacking: ["failures": ["code"]])?.hasPrefix(
                "SELECT run_id, shard, ordinal, user_id, NULL") == true)
        #expect(selection(4, .merge, lacking: ["failures": []]) == nil)
        #expect(selection(4, .merge, lacking: ["failures": ["run_id"]]) == nil)
        #expect(selection(3, .merge, lacking: ["endpoints": ["run_id"]]) == nil)
        let account = content(.merge, lacking: ["users": [], "failures": ["code"]], ScriptedDatabase()).account()
        #expect(account.faults == ["table 'users' is gone", "table 'failures' lacks the column 'code'"])
    }

    @Test("Runs come in the order in which they began, each with the checkpoint that is its own")
    func runs() throws {
        func run(_ shard: Int, _ id: String, _ day: Int) -> [String?] {
            ["\(shard)", id, "running", "", "2026-01-0\(day)T00:00:00.000Z", nil, "{}", "0.1"]
        }
        let database = ScriptedDatabase([
            ("DISTINCT pipeline", [["other"]]),
            ("FROM s.sluice_checkpoints", [["1", "r2", "3", "40", "50", "1", "[]"]]),
            ("FROM s.sluice_runs", [run(1, "r2", 2), run(0, "r2", 2), run(1, "r1", 1)]),
        ])
        let stored = try content(.merge, database).runs { $0 == 1 }
        #expect(stored.isKeyed)
        #expect(stored.neighbours == ["other"])
        #expect(stored.runs.map { "\($0.record.runID) \($0.shard)" } == ["r1 1", "r2 0", "r2 1"])
        #expect(stored.runs.map(\.isUnderWay) == [true, false, true])
        #expect(
            stored.runs.map(\.progress)
                == [
                    nil, nil,
                    StoredProgress(commitNumber: 3, nextOrdinal: 40, consumed: 50, inputEnded: true, parked: 0),
                ])
    }

    @Test("An older store, which lacks columns of the ledger, is read as it is")
    func older() throws {
        let database = ScriptedDatabase([
            ("FROM s.sluice_runs", [["0", "r1", "complete", "", "", "{}", "0.0"]])
        ])
        let content = content(.merge, lacking: ["sluice_runs": ["finished_at"], "sluice_checkpoints": []], database)
        let run = try #require(try content.runs { _ in nil }.runs.first)
        #expect(run.record.finishedAt == nil)
        #expect(run.record.version == "0.0")
        #expect(run.progress == nil)
        #expect(database.asked.first?.sql.contains("finished_at") == false)
        #expect(try self.content(.merge, lacking: ["sluice_runs": []], database).runs { _ in nil }.runs.isEmpty)
    }
}
