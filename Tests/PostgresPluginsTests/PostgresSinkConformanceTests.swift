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
}
