import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink beside the user's own constraints", .timeLimit(.minutes(2)))
struct SQLiteRefusalTests {
    private static func user(_ name: String, _ address: String) -> SinkFixture.Record {
        .found(name, [.init("e-\(name)", address: address, attributes: ["a": ["1"]], metrics: ["m": 1])])
    }

    @Test(
        "Records that a constraint or a trigger refuses are left out, one by one, and the rest is written",
        arguments: WriteMode.allCases, [[17], [0, 1, 2], [49], Array(0..<50), [3, 30, 31]])
    func refused(mode: WriteMode, places: [Int]) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: mode)
        try trial.file.execute(
            """
            CREATE TABLE endpoints (
                application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, user_id TEXT, address TEXT,
                effective_date TEXT, location_latitude REAL, extra TEXT, ordinal INTEGER, run_id TEXT NOT NULL,
                logical_date TEXT, CONSTRAINT "no odd address" CHECK (address <> 'odd'),
                PRIMARY KEY (\(mode == .append ? "run_id, " : "")application_id, endpoint_id));
            """)
        let session = try await trial.open()
        try await trial.begin(1, session)
        let records = (0..<50).map { Self.user("u\($0)", places.contains($0) ? "odd" : "even") } + [.failed("f")]
        let batch = SinkFixture.batch(
            records, commitNumber: 1, firstOrdinal: 100, runID: SQLiteTrial.runID(1), mode: mode)
        let observed = try await session.observations(preparing: batch)
        var expected = RunCounts()
        expected.refused = places.count
        expected.endpoints = -places.count
        expected.rows = ["failures": places.count]
        for table in ["users", "endpoints", "endpoint_attributes", "endpoint_metrics"] {
            expected.rows[table] = -places.count
        }
        if mode == .merge { expected.changes = EndpointChanges(added: 50 - places.count) }
        #expect(observed == expected)
        try await session.commit()
        let counts = try await session.state().checkpoint?.counts
        #expect(counts?.found == 50 && counts?.failed == 1 && counts?.refused == places.count)
        #expect(counts?.endpoints == 50 - places.count && counts?.rows["users"] == 50 - places.count)
        try await trial.complete(session)
        await session.close()
        let kept = (0..<50).filter { !places.contains($0) }.map { "u\($0)" }.sorted()
        #expect(try trial.users() == kept)
        for table in ["endpoints", "endpoint_attributes", "endpoint_metrics"] {
            #expect(try trial.file.query("SELECT count(*) FROM \(table)").first?.first?.integer == Int64(kept.count))
        }
        let failures = try trial.file.query(
            "SELECT ordinal, user_id, run_id, shard FROM failures WHERE code = 'RefusedBySink' ORDER BY 1")
        #expect(failures.map { $0[0].integer } == places.map { Int64(100 + $0) })
        #expect(failures.map { $0[1].text } == places.map { "u\($0)" })
        #expect(failures.allSatisfy { $0[2].text == SQLiteTrial.runID(1) && $0[3].integer == 0 })
        #expect(try trial.file.query("SELECT 1 FROM failures WHERE code = 'Throttled'").count == 1)
    }

    @Test("What is stored of a refused record's user stays, and a message says what refused it")
    func stays() async throws {
        let message = Column("message", .text)
        var tables = SinkFixture.tables
        tables[4].columns.append(message)
        let file = try SQLiteFile()
        let session = try await file.sink().open(SinkContext(pipeline: "nightly", tables: tables))
        _ = try await session.begin(SQLiteTrial.run(1), fingerprint: "f")
        func commit(_ number: Int, _ records: [SinkFixture.Record]) async throws -> RunCounts {
            var batch = SinkFixture.batch(
                records, commitNumber: number, firstOrdinal: number * 10, runID: SQLiteTrial.runID(1))
            batch.tables[4] = RowBuffer(columnCount: tables[4].columns.count)
            let observed = try await session.observations(preparing: batch)
            try await session.commit()
            return observed
        }
        #expect(try await commit(1, [Self.user("u", "first"), Self.user("v", "first")]).refused == 0)
        try file.execute(
            """
            CREATE TRIGGER guard BEFORE UPDATE ON endpoints WHEN new.address = 'second' AND new.user_id = 'u'
            BEGIN SELECT RAISE(ABORT, 'u is mine'); END;
            """)
        let observed = try await commit(2, [Self.user("u", "second"), Self.user("v", "second")])
        #expect(observed.refused == 1 && observed.superseded == 1 && observed.removed == 0)
        // Refused for a row that comes late: nothing of the record stays.
        try file.execute(
            """
            CREATE TRIGGER late BEFORE INSERT ON users WHEN new.user_id IN ('w', 'v')
            BEGIN SELECT RAISE(FAIL, 'late'); END;
            """)
        #expect(try await commit(3, [Self.user("w", "third"), Self.user("v", "third")]).refused == 2)
        await session.close()
        #expect(
            try file.query("SELECT user_id, address FROM endpoints ORDER BY 1").map { $0.map(\.text) }
                == [["u", "first"], ["v", "second"]])
        #expect(try file.query("SELECT ordinal FROM users ORDER BY user_id").map { $0[0].integer } == [10, 21])
        #expect(
            try file.query("SELECT message FROM failures ORDER BY ordinal").map { $0[0].text } == [
                "[SQLITE_CONSTRAINT_TRIGGER] u is mine", "[SQLITE_CONSTRAINT_TRIGGER] late",
                "[SQLITE_CONSTRAINT_TRIGGER] late",
            ])
    }

    @Test("Of two records that a unique index doesn't admit together, the earlier one stays")
    func together() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .merge)
        try await trial.open().close()
        try trial.file.execute("CREATE UNIQUE INDEX one_each ON endpoints (address)")
        let records = ["a", "b", "a", "c", "b", "d", "a"].enumerated().map { Self.user("u\($0)", $1) }
        try await trial.write(1, records)
        #expect(try trial.users() == ["u0", "u1", "u3", "u5"])
        #expect(
            try trial.file.query("SELECT user_id FROM failures ORDER BY 1").map { $0[0].text } == ["u2", "u4", "u6"])
        #expect(try trial.file.text("SELECT counts ->> '$.refused' || '' FROM sluice_runs") == "3")
    }

    @Test(
        "Where no record is to blame, the commit fails and says why",
        arguments: [
            ("CREATE TRIGGER t BEFORE INSERT ON failures BEGIN SELECT RAISE(ABORT, 'no failures'); END", "no failures"),
            ("CREATE TRIGGER t BEFORE INSERT ON users BEGIN SELECT RAISE(ROLLBACK, 'all or none'); END", "all or none"),
        ])
    func blameless(_ sql: String, _ words: String) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .merge)
        let session = try await trial.open()
        try await trial.begin(1, session)
        try trial.file.execute(sql)
        let error = await #expect(throws: PipelineError.self) {
            try await trial.commit(1, [Self.user("u", "a"), .failed("v")], run: 1, session)
        }
        #expect(error?.kind == .ioError)
        #expect(error?.message.contains(words) == true && error?.message.contains("SQLITE_CONSTRAINT_TRIGGER") == true)
        try trial.file.execute("DROP TRIGGER t")
        try await trial.commit(1, [Self.user("u", "a"), .failed("v")], run: 1, session)
        await session.close()
        #expect(try trial.users() == ["u"])
    }
}
