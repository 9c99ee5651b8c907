import Flattening
import Logging
import PipelineCore
import PipelineEngine
import Testing

/// Runs over a part of the input: shards and limits.
@Suite(.timeLimit(.minutes(2))) struct InputPartTests {
    private func run(
        _ store: MemoryStore, shard: Shard = .whole, limit: Int? = nil, mode: WriteMode = .merge, stopAt: String? = nil,
        date: Timestamp? = nil
    ) async -> RunReport {
        let stop = StopSignal()
        let lookup = ScriptedLookup { userID, call, visit in
            if userID == stopAt { stop.request() }
            return try await PipelineRunnerTests.answer(userID, call, visit)
        }
        var limits = RunLimits()
        limits.maxFailed = .share(1)
        limits.acceptFailed = .share(1)
        let plan = RunPlan(
            pipeline: "p",
            source: .lookup(reader: ListReader((0..<200).map { "user-\($0)" }), lookup: lookup, concurrency: 1),
            sinks: [
                PlannedSink(
                    sink: MemorySink(store: store, name: "memory", mode: mode), transforms: [],
                    layout: .normalized(mode: mode), rowSetIndex: 0, fingerprint: "f")
            ], batchSize: 10, limits: limits, onChangedInput: .refuse, shard: shard, inputLimit: limit, version: "1")
        var log = Logger(label: "test")
        log.logLevel = .critical
        let now = Timestamp("2026-11-23") ?? Timestamp(milliseconds: 0)
        let runner = PipelineRunner(
            plan: plan, log: log, stop: stop, board: ProgressBoard(), parking: ParkingPolicy(), now: { now })
        return await runner.run(RunRequest(logicalDate: date)).last ?? RunReport(summary: nil)
    }

    /// Also where each shard was stopped in the middle and went on.
    @Test(arguments: [1, 2, 3, 7], [false, true]) func shardsTogetherAreTheWhole(count: Int, isStopped: Bool) async {
        let whole = MemoryStore()
        _ = await run(whole)
        var rows: [String: [RowView.Value]] = [:]
        var records = 0
        for index in 0..<count {
            let store = MemoryStore()
            let shard = Shard(index, of: count)
            if isStopped {
                let own = (60..<200).first { shard.owns(Array("user-\($0)".utf8)) }
                _ = await run(store, shard: shard, stopAt: "user-\(own ?? 0)")
                #expect(store.current.checkpoint?.progress.inputEnded == false)
            }
            let report = await run(store, shard: shard)
            #expect(report.error == nil && report.exitCode == 0)
            #expect(store.current.checkpoint?.progress.nextOrdinal == 200)
            #expect((report.summary?.counts.records ?? 0) + (report.summary?.counts.otherShards ?? 0) == 200)
            // A failure's row says which shard it is of; all else is the same.
            for (key, row) in store.current.rows where !key.hasPrefix("failures/") {
                #expect(rows.updateValue(row, forKey: key) == nil)
            }
            records += report.summary?.counts.records ?? 0
        }
        #expect(records == 200)
        #expect(rows == whole.current.rows.filter { !$0.key.hasPrefix("failures/") })
    }

    @Test func noShardPublishesForAll() async {
        let replace = await run(MemoryStore(), shard: Shard(0, of: 2), mode: .replace)
        #expect(replace.exitCode == 78)
        let append = await run(MemoryStore(), shard: Shard(0, of: 2), mode: .append)
        #expect(append.exitCode == 64)
        let dated = await run(MemoryStore(), shard: Shard(0, of: 2), mode: .append, date: Timestamp("2026-11-20"))
        #expect(dated.exitCode == 0)
    }

    @Test(arguments: [1, 10, 15, 200, 500]) func aLimitEndsTheInput(limit: Int) async {
        let report = await run(MemoryStore(), limit: limit)
        #expect(report.summary?.state == .complete)
        #expect(report.summary?.counts.records == min(limit, 200))
    }

    @Test func aLimitedReplaceIsNeverPublished() async {
        let store = MemoryStore()
        _ = await run(store, mode: .replace)
        // What was fetched waits aside; failures are diagnostics and stand there at once.
        func published() -> [String: [RowView.Value]] { store.current.rows.filter { !$0.key.hasPrefix("failures/") } }
        let before = published()
        for _ in 0..<2 {
            let report = await run(store, limit: 50, mode: .replace)
            #expect(report.summary?.state == .unpublished)
            #expect(report.exitCode == 65)
            #expect(published() == before)
        }
    }
}
