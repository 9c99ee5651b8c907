import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink is a sink")
struct SQLiteSinkConformanceTests {
    @Test(arguments: SinkConformance.checks(for: .merge))
    func conforms(_ check: SinkConformance.Check) async throws {
        try await check.run(SQLiteFile().store)
    }

    @Test("Random batches end as the model says", arguments: [false, true])
    func random(asArchive: Bool) async throws {
        for _ in 0..<6 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            try await SinkConformance.randomMerge(seed: seed, batches: 60, asArchive: asArchive).run(SQLiteFile().store)
        }
    }
}
