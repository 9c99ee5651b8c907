import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink in mode append", .timeLimit(.minutes(2)))
struct SQLiteAppendTests {
    private static let userAttributes = TableDefinition(
        name: "endpoint_user_attributes", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("user_id", .text),
            Column("name", .text), Column("position", .integer), Column("value", .text), Column("run_id", .text),
        ],
        key: ["run_id", "application_id", "endpoint_id", "name", "position"])

    @Test("Tables are keyed by run, and their columns are in order")
    func columns() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .append)
        try await trial.open().close()
        func key(_ table: String) throws -> String? {
            try trial.file.text(
                "SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_table_info('\(table)') WHERE pk > 0 ORDER BY pk)"
            )
        }
        #expect(try key("users") == "run_id application_id user_id")
        #expect(try key("endpoints") == "run_id application_id endpoint_id")
        #expect(try key("endpoint_attributes") == "run_id application_id endpoint_id name position")
        #expect(try key("failures") == "run_id shard ordinal")
        #expect(
            try trial.file.text("SELECT group_concat(name, ' ') FROM pragma_table_info('endpoint_metrics')")
                == "application_id endpoint_id name value run_id")
    }

    @Test("The view shows the latest run that is complete in all of its shards")
    func view() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .append, further: [Self.userAttributes])
        try await trial.open().close()
        try trial.file.execute(
            """
            INSERT INTO sluice_runs (pipeline, shard, run_id, state, logical_date) VALUES
                ('p', 0, 'r1', 'complete', '2026-01-01T00:00:00.000Z'), ('p', 0, 'r2', 'complete', '2026-01-02T00:00:00.000Z'),
                ('p', 0, 'r3', 'complete', '2026-01-03T00:00:00.000Z'), ('p', 1, 'r3', 'running', '2026-01-03T00:00:00.000Z'),
                ('p', 0, 'r4', 'abandoned', '2026-01-04T00:00:00.000Z');
            WITH runs (run_id) AS (VALUES ('r1'), ('r2'), ('r3'), ('r4'))
            INSERT INTO endpoints (run_id, application_id, endpoint_id, user_id, effective_date)
                SELECT run_id, 'a', 'e1', 'u', '2026-01-01T00:00:00.000Z' FROM runs UNION ALL
                SELECT run_id, 'a', 'e2', 'u', '2026-02-01T00:00:00.000Z' FROM runs UNION ALL
                SELECT run_id, 'a', 'e3', 'u', NULL FROM runs UNION ALL
                SELECT run_id, 'a', 'e5', 'v', NULL FROM runs UNION ALL SELECT run_id, 'a', 'e4', 'v', NULL FROM runs;
            INSERT INTO endpoint_user_attributes
                SELECT application_id, endpoint_id, user_id, 'from', 0, run_id || ' ' || endpoint_id, run_id FROM endpoints;
            """)
        func rows() throws -> [String] {
            try trial.file.query("SELECT user_id || ' ' || value FROM user_attributes ORDER BY 1").compactMap {
                $0[0].text
            }
        }
        #expect(try rows() == ["u r2 e2", "v r2 e4"])
        try trial.file.execute("UPDATE sluice_runs SET state = 'complete' WHERE run_id = 'r3'")
        #expect(try rows() == ["u r3 e2", "v r3 e4"])
        // At one date, the later ID.
        try trial.file.execute("UPDATE sluice_runs SET logical_date = '2026-01-03T00:00:00.000Z', state = 'complete'")
        #expect(try rows() == ["u r4 e2", "v r4 e4"])
        for condition in ["application_id = 'a' AND user_id = 'u'", "user_id = 'u'"] {
            let plan = try trial.file.query(
                "EXPLAIN QUERY PLAN SELECT * FROM user_attributes WHERE \(condition)"
            ).compactMap { $0.last?.text }
            #expect(plan.contains { $0.contains("endpoints USING INDEX endpoints_user_id_application_id") }, "\(plan)")
            #expect(
                plan.contains { $0.contains("p USING PRIMARY KEY (run_id=? AND application_id=? AND endpoint_id=?)") },
                "\(plan)")
        }
    }

    @Test("One shard of a run can't be done again without the others, for nothing tells their rows apart")
    func shards() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .append)
        let sink = trial.file.sink(.append)
        func open(_ shard: Int) async throws -> any SinkSession {
            try await sink.open(SinkContext(pipeline: "nightly", shard: shard, tables: trial.context.tables))
        }
        let (first, second) = (try await open(0), try await open(1))
        try await trial.begin(1, first)
        try await trial.commit(1, [.found("u", [.init("e1")])], run: 1, first)
        try await trial.begin(1, second)
        try await trial.commit(1, [.found("v", [.init("e2")])], run: 1, second)
        let error = await #expect(throws: PipelineError.self) { try await trial.begin(1, second) }
        #expect(error?.kind == .configuration)
        #expect(error?.hint?.contains("--logical-date") == true)
        #expect(try trial.users() == ["u", "v"])
        await first.close()
        await second.close()
    }
}
