import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink is a sink")
struct SQLiteSinkConformanceTests {
    @Test(arguments: WriteMode.allCases.flatMap { SinkConformance.checks(for: $0) })
    func conforms(_ check: SinkConformance.Check) async throws {
        try await check.run(SQLiteFile().store)
    }

    @Test(arguments: WriteMode.allCases.flatMap { SinkConformance.readingChecks(for: $0) })
    func canBeRead(_ check: SinkConformance.Check) async throws {
        try await check.run(SQLiteFile().store)
    }

    @Test("Random batches end as the model says", arguments: WriteMode.allCases, [false, true])
    func random(mode: WriteMode, asArchive: Bool) async throws {
        for _ in 0..<4 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            try await SinkConformance.random(for: mode, seed: seed, batches: 60, asArchive: asArchive).run(
                SQLiteFile().store)
        }
    }

    @Test("Random archives end as the model says where the newest counts", arguments: WriteMode.allCases)
    func randomNewest(mode: WriteMode) async throws {
        for _ in 0..<6 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            try await SinkConformance.random(for: mode, seed: seed, batches: 60, asArchive: true, conflict: .newest)
                .run(SQLiteFile().store)
        }
    }
}
