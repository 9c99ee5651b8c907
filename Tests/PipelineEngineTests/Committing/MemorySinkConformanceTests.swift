import PipelineCore
import PipelineTesting
import Testing

/// The sink that the engine is tested with does what every sink must do.
@Suite struct MemorySinkConformanceTests {
    static let checks =
        WriteMode.allCases.flatMap { SinkConformance.checks(for: $0) }
        + [WriteMode.append, .replace].flatMap { SinkConformance.checks(for: $0, keyed: false) }

    static func store(keyed: Bool) -> SinkConformance.Store {
        let store = MemoryStore()
        return SinkConformance.Store(
            sinks: { mode in
                keyed || mode != .merge ? MemorySink(store: store, mode: mode, isKeyed: keyed) : nil
            }, showsRunsUnderWay: keyed, rows: { Array(store.rows($0.name).values) })
    }

    @Test(arguments: checks) func conforms(_ check: SinkConformance.Check) async throws {
        try await check.run(Self.store(keyed: !check.description.contains("without keys")))
    }

    @Test(arguments: WriteMode.allCases, 1...8) func conformsAtRandom(mode: WriteMode, seed: UInt64) async throws {
        for asArchive in [false, true] {
            try await SinkConformance.random(for: mode, seed: seed, batches: 60, asArchive: asArchive)
                .run(Self.store(keyed: true))
            guard mode != .merge else { continue }
            try await SinkConformance.random(for: mode, keyed: false, seed: seed, batches: 60, asArchive: asArchive)
                .run(Self.store(keyed: false))
        }
    }

    @Test(arguments: WriteMode.allCases, 1...8) func conformsWhereTheNewestCounts(mode: WriteMode, seed: UInt64)
        async throws
    {
        try await SinkConformance.random(for: mode, seed: seed, batches: 60, asArchive: true, conflict: .newest)
            .run(Self.store(keyed: true))
    }
}
