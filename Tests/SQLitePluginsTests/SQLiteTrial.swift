import Foundation
import PipelineCore
import PipelineTesting
import SQLitePlugins

/// Runs of one pipeline into a database, written by the sink in one mode.
struct SQLiteTrial {
    let file: SQLiteFile
    let mode: WriteMode
    var pipeline = "nightly"
    var onNewColumns = NewColumnsPolicy.add
    var further: [TableDefinition] = []

    var context: SinkContext {
        SinkContext(
            pipeline: pipeline, tables: SinkFixture.tables(for: mode) + further, onNewColumns: onNewColumns)
    }

    func open() async throws -> any SinkSession { try await file.sink(mode).open(context) }

    static func runID(_ number: Int) -> String { "nightly-2026112\(number)T000000Z" }

    static func run(_ number: Int) -> RunRecord {
        RunRecord(
            runID: runID(number), state: .running, logicalDate: "2026-11-2\(number)T00:00:00.000Z",
            startedAt: "2026-11-23T01:02:03.004Z", version: "1.2.3")
    }

    func begin(_ number: Int, _ session: any SinkSession) async throws {
        _ = try await session.begin(Self.run(number), fingerprint: "f")
    }

    func commit(
        _ batch: Int, _ records: [SinkFixture.Record], run: Int, _ session: any SinkSession
    ) async throws {
        _ = try await session.prepare(
            SinkFixture.batch(
                records, commitNumber: batch, firstOrdinal: (batch - 1) * 1000, runID: Self.runID(run), mode: mode))
        try await session.commit()
    }

    @discardableResult
    func complete(_ session: any SinkSession, _ state: RunState = .complete) async throws -> RunCounts {
        let observed = try await session.observations(preparingEnd: state, finishedAt: SinkFixture.logicalDate)
        try await session.commit()
        return observed
    }

    /// One whole run of one batch, in a session of its own.
    func write(_ number: Int, _ records: [SinkFixture.Record]) async throws {
        let session = try await open()
        do {
            try await begin(number, session)
            try await commit(1, records, run: number, session)
            try await complete(session)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }

    /// What opening the sink throws; nil where it opens.
    func refusal() async -> PipelineError? {
        do {
            try await open().close()
            return nil
        } catch {
            return error as? PipelineError
        }
    }

    /// Everything that the database's schema says, in any order of creation.
    func schema() throws -> [String] {
        try file.query("SELECT coalesce(sql, name) || ' | ' || tbl_name FROM sqlite_schema").compactMap { $0[0].text }
            .sorted()
    }

    /// Which users the published tables hold.
    func users() throws -> [String] {
        try file.query("SELECT user_id FROM users ORDER BY 1").compactMap { $0[0].text }
    }
}
