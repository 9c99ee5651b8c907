import PipelineCore
import PipelineTesting
import Testing

@Suite("The Postgres sink is a sink", .enabled(if: PostgresCluster.shared != nil), .timeLimit(.minutes(10)))
struct PostgresSinkConformanceTests {
    @Test(arguments: WriteMode.allCases.flatMap { SinkConformance.checks(for: $0) })
    func conforms(_ check: SinkConformance.Check) async throws {
        let cluster = try #require(PostgresCluster.shared)
        try await check.run(PostgresSchema(cluster).store)
    }

    @Test(arguments: WriteMode.allCases.flatMap { SinkConformance.readingChecks(for: $0) })
    func canBeRead(_ check: SinkConformance.Check) async throws {
        let cluster = try #require(PostgresCluster.shared)
        try await check.run(PostgresSchema(cluster).store)
    }

    @Test("Random batches end as the model says", arguments: WriteMode.allCases, [false, true])
    func random(mode: WriteMode, asArchive: Bool) async throws {
        let cluster = try #require(PostgresCluster.shared)
        for _ in 0..<3 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            let check = SinkConformance.random(for: mode, seed: seed, batches: 60, asArchive: asArchive)
            try await check.run(PostgresSchema(cluster).store)
        }
    }

    @Test("Random archives end as the model says where the newest counts", arguments: WriteMode.allCases)
    func randomNewest(mode: WriteMode) async throws {
        let cluster = try #require(PostgresCluster.shared)
        for _ in 0..<4 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            let check = SinkConformance.random(
                for: mode, seed: seed, batches: 60, asArchive: true, conflict: .newest)
            try await check.run(PostgresSchema(cluster).store)
        }
    }
}
