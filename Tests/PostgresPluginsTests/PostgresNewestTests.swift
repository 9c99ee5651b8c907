import PipelineCore
import PipelineTesting
import PostgresPlugins
import Testing

/// Archives that several writers merge at once: whoever comes first, the newest of each endpoint stays, with its own parts.
@Suite(
    "The newest counts for Postgres writers at once", .enabled(if: PostgresCluster.shared != nil), .serialized,
    .timeLimit(.minutes(5)))
struct PostgresNewestTests {
    private static let runID = "conformance-20261123T000000Z"

    private struct Writer {
        let session: any SinkSession
        let shard: Int
        let mode: WriteMode

        init(_ schema: PostgresSchema, _ mode: WriteMode, shard: Int, runID: String = runID) async throws {
            self.shard = shard
            self.mode = mode
            session = try await schema.sink(mode).open(
                SinkContext(
                    pipeline: "conformance", shard: shard, shards: 9, tables: SinkFixture.tables(for: mode),
                    conflict: .newest))
            let run = RunRecord(
                runID: runID, state: .running, logicalDate: SinkFixture.logicalDate,
                startedAt: SinkFixture.logicalDate, version: "1")
            _ = try await session.begin(run, fingerprint: "f")
        }

        func prepare(_ records: [SinkFixture.Record], commit number: Int = 1, runID: String = runID) async throws -> Int
        {
            try await session.observations(
                preparing: SinkFixture.batch(
                    records, commitNumber: number, firstOrdinal: number * 1000, runID: runID, shard: shard, mode: mode)
            ).superseded
        }
    }

    private static func date(_ number: Int) -> String {
        "2026-01-02T03:04:\(number / 1000 + 10).\(String(number % 1000 + 1000).dropFirst())Z"
    }

    /// A line whose row and parts tell which one it is.
    private static func line(_ id: String, _ date: Int, _ mark: String) -> SinkFixture.Record {
        .line(
            mark,
            .init(
                id, address: mark, effectiveDate: self.date(date), attributes: ["mark": [mark], mark: ["x", "y"]],
                metrics: [mark: 1]))
    }

    /// `endpoint address: names of attributes: names of metrics`, in order.
    private static func content(_ schema: PostgresSchema) throws -> [String] {
        try schema.query(
            """
            SELECT concat_ws(': ', endpoint_id || ' ' || address,
                (SELECT string_agg(name || value, ' ' ORDER BY name, position) FROM endpoint_attributes AS a
                    WHERE a.endpoint_id = e.endpoint_id),
                (SELECT string_agg(name, ' ' ORDER BY name) FROM endpoint_metrics AS m
                    WHERE m.endpoint_id = e.endpoint_id))
            FROM endpoints AS e ORDER BY endpoint_id
            """
        ).compactMap { $0.first?.text }
    }

    private static func expected(_ id: String, _ mark: String) -> String {
        let names = ["mark\(mark)", "\(mark)x", "\(mark)y"].sorted { $0.prefix(4) < $1.prefix(4) }
        return "\(id) \(mark): \(names.joined(separator: " ")): \(mark)"
    }

    /// Waits until a session that has to do with a table of the schema waits for a lock.
    private static func untilOneWaits(in schema: PostgresSchema) async throws {
        let waiting = """
            SELECT count(*) FROM pg_stat_activity AS a WHERE wait_event_type = 'Lock' AND EXISTS (
                SELECT 1 FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
                WHERE l.pid = a.pid AND c.relnamespace = '\(schema.name)'::regnamespace)
            """
        let deadline = ContinuousClock.now + .seconds(60)
        while try schema.text(waiting) == "0" {
            try #require(ContinuousClock.now < deadline, "no session waits for a lock")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test(
        "A writer that waits for another one sees what that has left", arguments: [WriteMode.merge, .append],
        [(1, 2), (2, 1), (2, 2)])
    func inTurn(mode: WriteMode, dates: (Int, Int)) async throws {
        for isStored in [false, true] {
            let schema = try PostgresSchema(#require(PostgresCluster.shared))
            if isStored {
                // Of an earlier run in `merge`, of the run at hand in `append`.
                let runID = mode == .merge ? "conformance-20261122T000000Z" : Self.runID
                let before = try await Writer(schema, mode, shard: 5, runID: runID)
                _ = try await before.prepare([Self.line("e1", 0, "zero")], runID: runID)
                try await before.session.commit()
                await before.session.close()
            }
            let first = try await Writer(schema, mode, shard: 0)
            let second = try await Writer(schema, mode, shard: 1)
            let superseded = try await first.prepare([Self.line("e1", dates.0, "first"), Self.line("e2", 1, "first")])
            #expect(superseded == (isStored && mode == .append ? 1 : 0))
            async let other = second.prepare([Self.line("e1", dates.1, "second"), Self.line("e3", 1, "second")])
            try await Self.untilOneWaits(in: schema)
            try await first.session.commit()
            #expect(try await other == 1)
            try await second.session.commit()
            let winner = dates.1 >= dates.0 ? "second" : "first"
            #expect(
                try Self.content(schema)
                    == [Self.expected("e1", winner), Self.expected("e2", "first"), Self.expected("e3", "second")])
            await first.session.close()
            await second.session.close()
        }
    }

    @Test("A writer that waits for one that is undone goes on as if it had never been")
    func undone() async throws {
        let schema = try PostgresSchema(#require(PostgresCluster.shared))
        let first = try await Writer(schema, .merge, shard: 0)
        let second = try await Writer(schema, .merge, shard: 1)
        _ = try await first.prepare([Self.line("e1", 2, "first")])
        async let other = second.prepare([Self.line("e1", 1, "second")])
        try await Self.untilOneWaits(in: schema)
        await first.session.abandon()
        #expect(try await other == 0)
        try await second.session.commit()
        #expect(try Self.content(schema) == [Self.expected("e1", "second")])
        await first.session.close()
        await second.session.close()
    }

    @Test("Writers that run into each other all the time", arguments: [WriteMode.merge, .append])
    func atOnce(mode: WriteMode) async throws {
        let schema = try PostgresSchema(#require(PostgresCluster.shared))
        let (writers, batches, lines, endpoints) = (3, 12, 25, 40)
        // Every line has a date of its own.
        let dates = Array(0..<writers * batches * lines).shuffled()
        var newest: [String: Int] = [:]
        for (number, date) in dates.enumerated() {
            let id = "e\(number % endpoints)"
            newest[id] = max(newest[id] ?? 0, date)
        }
        let superseded = try await withThrowingTaskGroup(of: Int.self) { group in
            for shard in 0..<writers {
                group.addTask {
                    let writer = try await Writer(schema, mode, shard: shard)
                    var superseded = 0
                    for batch in 0..<batches {
                        let start = (shard * batches + batch) * lines
                        let records = (start..<start + lines).map {
                            Self.line("e\($0 % endpoints)", dates[$0], "m\(dates[$0])")
                        }
                        superseded += try await writer.prepare(records, commit: batch + 1)
                        try await writer.session.commit()
                    }
                    await writer.session.close()
                    return superseded
                }
            }
            var sum = 0
            for try await count in group { sum += count }
            return sum
        }
        let wanted = newest.keys.sorted().map { id in
            Self.expected(id, "m\(newest[id] ?? 0)")
        }
        #expect(try Self.content(schema) == wanted, "dates \(dates)")
        #expect(superseded == dates.count - endpoints)
    }
}
