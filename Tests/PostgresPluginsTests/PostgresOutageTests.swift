import Foundation
import PipelineCore
import PipelineTesting
import PostgresPlugins
import Testing

/// Connections that are lost at every step; what is committed must be what a run without losses commits.
@Suite("Postgres, away and back", .enabled(if: PostgresCluster.shared != nil), .serialized, .timeLimit(.minutes(10)))
struct PostgresOutageTests {
    private static func run(_ number: Int = 1) -> RunRecord {
        RunRecord(
            runID: "conformance-2026112\(number)T000000Z", state: .running, logicalDate: SinkFixture.logicalDate,
            startedAt: "2026-11-23T01:02:03.004Z", version: "1.2.3")
    }

    /// Batches in which users come again, endpoints move and vanish; `number` from 1.
    private static func batch(_ number: Int, _ mode: WriteMode) -> Batch {
        let records = (0..<40).map { index -> SinkFixture.Record in
            let user = (number * 7 + index * 3) % 90
            if index % 11 == 10 { return .absent("user-\(user)") }
            if index % 13 == 12 { return .failed("user-\(user)") }
            return .found(
                "user-\(user)",
                (0..<(index % 4)).map {
                    .init(
                        "e\((user * 2 + number + $0) % 150)", address: String(repeating: "a", count: 200),
                        attributes: ["a": ["\(number)", "x"]], metrics: ["m": Double(index)])
                })
        }
        return SinkFixture.batch(
            records, commitNumber: number, firstOrdinal: (number - 1) * 40, runID: run().runID, mode: mode)
    }

    /// What a whole run leaves in the tables, and the checkpoints that it prepared.
    private func result(
        of schema: PostgresSchema, _ mode: WriteMode, batches: Int = 8,
        disturbing: (_ step: String, _ number: Int) throws -> Void = { _, _ in }
    ) async throws -> (tables: [String], observed: [Checkpoint]) {
        let context = SinkContext(pipeline: "conformance", tables: SinkFixture.tables(for: mode))
        let session = try await schema.sink(mode).open(context)
        do {
            var observed: [Checkpoint] = []
            try disturbing("begin", 0)
            _ = try await session.begin(Self.run(), fingerprint: "f")
            for number in 1...batches {
                try disturbing("prepare", number)
                observed.append(try await session.prepare(Self.batch(number, mode)))
                try disturbing("commit", number)
                try await session.commit()
            }
            try disturbing("complete", 0)
            observed.append(
                try await session.prepareCompletion(state: .complete, finishedAt: "2026-11-23T02:03:04.005Z"))
            try disturbing("commit", 0)
            try await session.commit()
            #expect(try await session.state().lastRun?.state == .complete)
            #expect(try await session.state().checkpoint?.commitNumber == batches)
            await session.close()
            return (try tables(schema, mode), observed)
        } catch {
            await session.close()
            throw error
        }
    }

    private func tables(_ schema: PostgresSchema, _ mode: WriteMode) throws -> [String] {
        try SinkFixture.tables(for: mode).map {
            try schema.text("SELECT count(*), md5(string_agg(t::text, '/' ORDER BY t::text)) FROM \"\($0.name)\" AS t")
        } + [schema.text("SELECT counts FROM sluice_runs")]
    }

    @Test("Connections that break during COPY, before and after COMMIT change nothing", arguments: WriteMode.allCases)
    func cuts(mode: WriteMode) async throws {
        let cluster = try #require(PostgresCluster.shared)
        let expected = try await result(of: PostgresSchema(cluster), mode)
        let proxy = try CuttingProxy(serverPort: cluster.port)
        let url = cluster.url.replacing(":\(cluster.port)/", with: ":\(proxy.port)/")
        for cut in CuttingProxy.Cut.allCases {
            let before = try proxy.cuts()
            let found = try await result(of: PostgresSchema(cluster, url: url), mode) { step, number in
                // The steps in which a COPY or a COMMIT follows.
                let isDue = cut == .duringCopy ? step == "prepare" : step == "commit"
                if isDue { try proxy.cut(cut, times: 1 + number % 2) }
            }
            #expect(found.tables == expected.tables, "\(cut)")
            #expect(found.observed == expected.observed, "\(cut)")
            #expect(try proxy.cuts() - before >= 8, "\(cut)")
        }
    }

    @Test("Server processes that are ended between the steps change nothing", arguments: WriteMode.allCases)
    func terminated(mode: WriteMode) async throws {
        let cluster = try #require(PostgresCluster.shared)
        let expected = try await result(of: PostgresSchema(cluster), mode)
        let schema = PostgresSchema(cluster)
        let found = try await result(of: schema, mode) { _, _ in
            try schema.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice'")
        }
        #expect(found.tables == expected.tables)
        #expect(found.observed == expected.observed)
    }

    @Test("A server that crashes and restarts ten times within a run changes nothing")
    func restarts() async throws {
        let cluster = try #require(PostgresCluster.shared)
        guard cluster.isPrivate else { return }
        let expected = try await result(of: PostgresSchema(cluster), .merge)
        var restarts = 0
        let found = try await result(of: PostgresSchema(cluster), .merge) { step, number in
            guard step == "commit" || number % 4 == 0 else { return }
            restarts += 1
            try cluster.control("-m", "immediate", "-w", "restart")
        }
        #expect(restarts >= 10)
        #expect(found.tables == expected.tables)
        #expect(found.observed == expected.observed)
    }

    @Test("A server that stays away ends the run as unavailable, once the outage's limit is over")
    func away() async throws {
        let cluster = try #require(PostgresCluster.shared)
        let proxy = try CuttingProxy(serverPort: cluster.port)
        let schema = PostgresSchema(cluster)
        let url = cluster.url.replacing(":\(cluster.port)/", with: ":\(proxy.port)/")
        let session = try await schema.sink(url: url, outage: .seconds(1)).open(
            SinkContext(pipeline: "conformance", tables: SinkFixture.tables))
        _ = try await session.begin(Self.run(), fingerprint: "f")
        _ = try await session.prepare(Self.batch(1, .merge))
        try proxy.cut(.beforeCommit, times: 1_000_000)
        let error = await #expect(throws: PipelineError.self) { try await session.commit() }
        #expect(error?.kind == .unavailable)
        await session.close()
        // The batch isn't there; the run goes on.
        #expect(try schema.text("SELECT commit_number FROM sluice_checkpoints") == "0")
        let again = try await schema.sink().open(SinkContext(pipeline: "conformance", tables: SinkFixture.tables))
        _ = try await again.prepare(Self.batch(1, .merge))
        try await again.commit()
        #expect(try schema.text("SELECT commit_number FROM sluice_checkpoints") == "1")
        await again.close()
    }

    @Test("Whoever moved the checkpoint meanwhile isn't overwritten")
    func moved() async throws {
        let cluster = try #require(PostgresCluster.shared)
        let schema = PostgresSchema(cluster)
        let session = try await schema.sink().open(SinkContext(pipeline: "conformance", tables: SinkFixture.tables))
        _ = try await session.begin(Self.run(), fingerprint: "f")
        _ = try await session.prepare(Self.batch(1, .merge))
        try schema.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice';
            UPDATE sluice_checkpoints SET commit_number = 7
            """)
        let error = await #expect(throws: PipelineError.self) { try await session.commit() }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("commit 7") == true, "\(error?.message ?? "")")
        #expect(try schema.text("SELECT count(*) FROM users") == "0")
        await session.close()
    }

    @Test("Deadlocks and conflicts with others are tried again")
    func conflicts() async throws {
        let cluster = try #require(PostgresCluster.shared)
        let schema = PostgresSchema(cluster)
        let session = try await schema.sink().open(SinkContext(pipeline: "conformance", tables: SinkFixture.tables))
        try schema.execute(
            """
            CREATE SEQUENCE tries;
            CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('\(schema.name).tries') < 4 THEN
                    RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001';
                END IF;
                RETURN new;
            END $$;
            CREATE TRIGGER conflict BEFORE INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION conflict()
            """)
        _ = try await session.begin(Self.run(), fingerprint: "f")
        _ = try await session.prepare(Self.batch(1, .merge))
        try await session.commit()
        #expect(try schema.text("SELECT last_value FROM tries") == "4")
        #expect(try schema.text("SELECT count(*) > 20 FROM users") == "t")
        await session.close()
    }
}
