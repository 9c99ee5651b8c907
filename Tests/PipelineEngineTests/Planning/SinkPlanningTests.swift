import Flattening
import PipelineCore
import PipelineEngine
import Testing

@Suite struct SinkPlanningTests {
    private static func draft(_ mode: WriteMode, transforms: String = "[]", shaping: String = "{}") -> SinkDraft {
        SinkDraft(
            sink: MemorySink(store: MemoryStore(), name: "memory", mode: mode), transforms: [],
            layout: .normalized(mode: mode), transformText: Array(transforms.utf8), shapingText: Array(shaping.utf8))
    }

    @Test func equalRowsAreMadeOnce() {
        let planned = PlannedSink.planned([
            Self.draft(.merge), Self.draft(.append), Self.draft(.replace), Self.draft(.merge, transforms: "[1]"),
            Self.draft(.append), Self.draft(.merge, transforms: "[1]", shaping: "another sink"),
        ])
        // `append` has the run in its keys.
        #expect(planned.map(\.rowSetIndex) == [0, 1, 0, 2, 1, 2])
    }

    /// SHA-256 as sha256sum has it, of: {}, {}\nshards=4, {}\nlimit=10, {}\nshards=4\nlimit=10
    @Test(
        arguments: [
            (Shard.whole, nil, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
            (Shard(1, of: 4), nil, "442e5524ef225d605d9353993d001b2d1e44394dbda64ad2901c11aa52a4ddf2"),
            (Shard.whole, 10, "3846f754e7c2686e55a21b3de7e9a54c1fa9425da9afdb14f8d993fa826ebdac"),
            (Shard(3, of: 4), 10, "5953f78bfa06e3fcf33b091ac3456c209049c567f33373beaddcb579eb823568"),
        ] as [(Shard, Int?, String)])
    func fingerprintsAreKnown(shard: Shard, limit: Int?, fingerprint: String) {
        let planned = PlannedSink.planned([Self.draft(.merge)], shard: shard, inputLimit: limit)
        #expect(planned.map(\.fingerprint) == [fingerprint])
    }
}
