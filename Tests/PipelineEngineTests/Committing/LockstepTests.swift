import PipelineCore
import PipelineEngine
import Synchronization
import Testing

/// Sinks that fail, wait or refuse while others go on.
@Suite(.timeLimit(.minutes(3))) struct LockstepTests {
    // MARK: Failing sinks

    /// A sink that fails to prepare or to commit stops the run after the others have committed; then it catches up alone,
    /// and nobody is asked whose answer all sinks have.
    @Test(arguments: [MemoryStore.Step.prepare(3), .commit(3)], 0..<3)
    func aFailingSinkHoldsNobodyBackAndCatchesUp(step: MemoryStore.Step, victim: Int) async {
        let pipeline = TestPipeline(
            [.merge, .append, .replace], ids: TestPipeline.ids(0..<95), answer: TestPipeline.everybody)
        pipeline.stores[victim].failing { reached in
            if reached == step { throw PipelineError(.ioError, "no space left on device") }
        }
        let broken = await pipeline.run()
        #expect(broken.error?.kind == .ioError)
        #expect(broken.exitCode == 74)
        let commits = pipeline.stores.map { $0.current.checkpoint?.commitNumber }
        #expect(commits == (0..<3).map { $0 == victim ? 2 : 3 })
        pipeline.stores[victim].failing(nil)
        let next = pipeline.next(pipeline.ids, answer: TestPipeline.everybody)
        let resumed = await next.run()
        #expect(resumed.exitCode == 0)
        #expect(resumed.summary?.resumedFrom?.nextOrdinal == 20)
        #expect(Set(next.lookup.asked) == Set(TestPipeline.ids(20..<95)))
        for store in next.stores {
            #expect(store.rows("users").count == 95)
            #expect(store.rows("endpoints").count == 95)
            #expect(store.current.commits == 10)
            #expect(store.current.lastRun?.counts.endpoints == 95)
            #expect(store.current.lastRun?.counts.superseded == 0)
        }
    }

    /// What only the lagging sink lacks is written to it alone, whatever its users' answers are by now.
    @Test func catchingUpTouchesTheLaggingSinkAlone() async {
        let pipeline = TestPipeline([.merge, .merge], ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody)
        pipeline.stores[0].failing { step in
            if step == .commit(2) { throw PipelineError(.ioError, "pulled the plug") }
        }
        #expect(await pipeline.run().exitCode == 74)
        pipeline.stores[0].failing(nil)
        let resumed = await pipeline.next(pipeline.ids) { userID, _, _ in
            try TestPipeline.found(["later-\(TestPipeline.number(userID))"])
        }.run()
        #expect(resumed.exitCode == 0)
        let early = pipeline.stores.map { store in
            store.texts("endpoint_id", of: "endpoints", mode: .merge).filter { $0.hasPrefix("e-") }.count
        }
        #expect(early == [10, 20])
    }

    /// The run stops with the first sink's error in the configuration's order, and no sink goes beyond that commit.
    @Test func whereAllSinksFailTheFirstOnesErrorCounts() async {
        let pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody)
        pipeline.stores[0].failing { step in
            if step == .commit(2) { throw PipelineError(.unavailable, "the server is away") }
        }
        pipeline.stores[1].failing { step in
            if step == .prepare(2) { throw PipelineError(.ioError, "no space left on device") }
        }
        #expect(await pipeline.run().exitCode == 69)
        #expect(pipeline.stores.allSatisfy { $0.current.checkpoint?.commitNumber == 1 })
    }

    /// What a sink says that it has prepared is compared with what follows from the batch, before any sink commits.
    @Test(arguments: 0..<2)
    func aSinkThatPreparesAnotherCheckpointIsRefused(liar: Int) async {
        let pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody)
        pipeline.stores[liar].falsifying { checkpoint in
            if checkpoint.commitNumber == 2 { checkpoint.counts.found -= 1 }
        }
        let report = await pipeline.run()
        #expect(report.exitCode == 70)
        #expect(report.error?.message.contains("'sink\(liar)'") == true)
        #expect(report.error?.message.hasSuffix("found is 19, not 20") == true)
        #expect(pipeline.stores.allSatisfy { $0.current.checkpoint?.commitNumber == 1 })
        #expect(pipeline.stores.allSatisfy { $0.rows("users").count == 10 })
        pipeline.stores[liar].falsifying(nil)
        #expect(await pipeline.next(pipeline.ids, answer: TestPipeline.everybody).run().exitCode == 0)
    }

    /// The same of a run's end.
    @Test func aSinkThatEndsWithAnotherCheckpointIsRefused() async {
        let pipeline = TestPipeline([.merge, .replace], ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody)
        pipeline.stores[1].falsifying { checkpoint in
            if checkpoint.counts.rows["users"] == 40, checkpoint.counts.previousEndpoints > 0 {
                checkpoint.counts.rows["users"] = 41
            }
        }
        #expect(await pipeline.run().exitCode == 0)
        let again = pipeline.next(pipeline.ids, answer: TestPipeline.everybody)
        let report = await again.run()
        #expect(report.exitCode == 70)
        #expect(report.error?.message.hasSuffix("rows.users is 41, not 40") == true)
        #expect(again.stores.allSatisfy { $0.current.lastRun?.state == .running })
    }

    /// A brake comes before any commit, and undoes what every sink has prepared.
    @Test func aBrakeCommitsNowhere() async {
        var pipeline = TestPipeline(
            [.merge, .append, .replace], ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody(but: [13, 14]))
        pipeline.limits.maxFailed = .count(1)
        #expect(await pipeline.run().exitCode == 76)
        for store in pipeline.stores {
            #expect(store.current.checkpoint?.commitNumber == 1)
            #expect(store.rows("failures").isEmpty)
        }
        #expect(await pipeline.run(RunRequest(accepted: [.failed])).exitCode == 65)
        #expect(pipeline.stores.allSatisfy { $0.current.commits == 5 && $0.rows("failures").count == 2 })
    }

    // MARK: Sinks that don't agree

    /// A crash leaves one commit between two sinks; two can't come from one.
    @Test func sinksApartByTwoCommitsAreRefused() async throws {
        let pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<60), answer: TestPipeline.everybody)
        let backup = Mutex<MemoryStore.Content?>(nil)
        let store = pipeline.stores[1]
        for other in pipeline.stores {
            other.failing { step in
                if step == .prepare(2), other === store { backup.withLock { $0 = store.current } }
                if step == .prepare(4) { throw PipelineError(.ioError, "pulled the plug") }
            }
        }
        #expect(await pipeline.run().exitCode == 74)
        for other in pipeline.stores { other.failing(nil) }
        let old = try #require(backup.withLock { $0 })
        store.update { $0 = old }
        #expect(pipeline.stores.map(\.current.checkpoint?.commitNumber) == [3, 1])
        let asked = pipeline.lookup.asked.count
        let refused = await pipeline.run()
        #expect(refused.exitCode == 78)
        #expect(refused.error?.message.contains("'sink0' at commit 3, 'sink1' at commit 1") == true)
        #expect(refused.error?.hint?.contains("--fresh") == true)
        #expect(pipeline.lookup.asked.count == asked)
        #expect(await pipeline.run(RunRequest(fresh: true)).exitCode == 0)
        #expect(pipeline.stores.allSatisfy { $0.current.lastRun?.counts.records == 60 })
    }

    /// A complete date that is done again keeps its ID. A process that dies when only one sink has begun it anew leaves the
    /// other one with the run of before, which is no part of this one.
    @Test func aDateDoneAgainIsNotTakenForTheOneBefore() async {
        let pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<30), answer: TestPipeline.everybody)
        let date = Timestamp("2026-05-05")
        #expect(await pipeline.run(RunRequest(logicalDate: date)).exitCode == 0)
        pipeline.stores[1].failing { step in
            if step == .begin { throw PipelineError(.ioError, "pulled the plug") }
        }
        var again = pipeline.next(TestPipeline.ids(5..<45)) { userID, _, _ in
            try TestPipeline.found(["later-\(TestPipeline.number(userID))"])
        }
        again.millisecondsLater = 1
        #expect(await again.run(RunRequest(logicalDate: date, fresh: true)).exitCode == 74)
        pipeline.stores[1].failing(nil)
        let report = await again.run(RunRequest(logicalDate: date))
        #expect(report.exitCode == 0)
        for store in again.stores {
            #expect(store.current.lastRun?.state == .complete)
            #expect(store.current.lastRun?.counts.records == 40)
            #expect(store.current.checkpoint?.progress.nextOrdinal == 40)
        }
    }

    /// A sink of the plan that the unfinished run never began in is refused once the others have gone on.
    @Test func aSinkThatIsAddedInMidRunIsRefused() async {
        var pipeline = TestPipeline([.merge], ids: TestPipeline.ids(0..<60), answer: TestPipeline.everybody)
        pipeline.stores[0].failing { step in
            if step == .prepare(3) { throw PipelineError(.ioError, "pulled the plug") }
        }
        #expect(await pipeline.run().exitCode == 74)
        pipeline.stores[0].failing(nil)
        pipeline.sinks.append((.replace, MemoryStore()))
        #expect(await pipeline.run().exitCode == 78)
        #expect(await pipeline.run(RunRequest(fresh: true)).exitCode == 0)
        #expect(pipeline.stores[1].rows("users").count == 60)
    }

    // MARK: Refused records

    @Test(arguments: [WriteMode.merge, .append, .replace])
    func refusedRecordsAreToldOfAndCorrected(mode: WriteMode) async throws {
        let pipeline = TestPipeline([.merge, mode], ids: TestPipeline.ids(0..<35)) { userID, _, _ in
            switch TestPipeline.number(userID) {
            case 3: return .absent
            case 4: return try TestPipeline.found([])
            case let number: return try TestPipeline.found(["a-\(number)", "b-\(number)"])
            }
        }
        pipeline.stores[1].refusing { ["user-3", "user-7", "user-21"].contains($0) }
        let report = await pipeline.run()
        #expect(report.error == nil)
        #expect(report.exitCode == 65)
        let summary = try #require(report.summary)
        #expect(summary.state == .complete)
        #expect(summary.sinks.map(\.counts.refused) == [0, 3])
        // The records are accounted for as they were answered.
        #expect(summary.sinks.map(\.counts.found) == [34, 34])
        #expect(summary.sinks.map(\.counts.absent) == [1, 1])
        #expect(summary.sinks.map(\.counts.failed) == [0, 0])
        #expect(summary.sinks.map(\.counts.endpoints) == [66, 62])
        #expect(report.json.contains(#""refused":3"#))
        #expect(report.text()?.contains("3 records refused") == true)
        for (store, sink) in zip(pipeline.stores, summary.sinks) {
            for table in ["users", "endpoints", "endpoint_attributes", "failures"] {
                #expect(sink.counts.rows[table, default: 0] == store.rows(table).count, "\(sink.name), \(table)")
            }
            #expect(store.current.lastRun?.counts == sink.counts)
        }
        #expect(pipeline.stores[1].rows("failures").count == 3)
        #expect(pipeline.stores[1].rows("users").count == 32)
    }

    /// A date that is done exits as its run did, whichever sink it was that refused.
    @Test(arguments: 0..<2) func aDateThatIsDoneExitsAsItsRunDid(victim: Int) async throws {
        let pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<15), answer: TestPipeline.everybody)
        pipeline.stores[victim].refusing { $0 == "user-7" }
        let date = try #require(Timestamp("2026-11-24"))
        #expect(await pipeline.run(RunRequest(logicalDate: date)).exitCode == 65)
        let asked = pipeline.lookup.asked.count
        let again = await pipeline.run(RunRequest(logicalDate: date))
        #expect(again.exitCode == 65)
        #expect(again.summary?.sinks.map(\.counts.refused) == (0..<2).map { $0 == victim ? 1 : 0 })
        #expect(pipeline.lookup.asked.count == asked)
    }

    // MARK: Slow sinks

    /// The source reads ahead of a sink that doesn't move, but no further than its window.
    @Test func aSlowSinkHoldsTheSource() async throws {
        let gate = Gate()
        var pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<3000)) { _, _, _ in .absent }
        pipeline.batchSize = 250
        pipeline.stores[1].failing { step in if step == .prepare(2) { await gate.wait() } }
        let running = Task { [pipeline] in await pipeline.run() }
        await gate.reached()
        var asked = -1
        while asked != pipeline.lookup.asked.count {
            asked = pipeline.lookup.asked.count
            try await Task.sleep(for: .milliseconds(300))
        }
        // Batches 1 to 3, the last of which waits for the second's commit, and a window of 1024 records.
        #expect(asked <= 3 * 250 + 1024)
        #expect(asked > 1024)
        #expect(pipeline.stores.map { $0.current.checkpoint?.commitNumber } == [1, 1])
        gate.open()
        #expect(await running.value.exitCode == 0)
        #expect(pipeline.stores.allSatisfy { $0.rows("users").count == 3000 })
    }

    /// A stop reaches a sink that waits for its server, also while the run waits for that sink.
    @Test func aStopReachesASinkThatWaits() async {
        let gate = Gate()
        let stop = StopSignal()
        let pipeline = TestPipeline([.merge, .append], ids: TestPipeline.ids(0..<100), answer: TestPipeline.everybody)
        pipeline.stores[1].failing { step in
            guard step == .prepare(3) else { return }
            gate.note()
            do { try await Task.sleep(for: .seconds(100)) } catch {
                throw PipelineError(.temporary, "stopped while the server was away")
            }
        }
        let running = Task { await pipeline.run(stop: stop) }
        await gate.reached()
        // By now the next batch is complete and waits for this commit.
        try? await Task.sleep(for: .milliseconds(200))
        let start = ContinuousClock.now
        stop.request()
        #expect(await running.value.exitCode == 75)
        #expect(start.duration(to: .now) < .seconds(60))
        // The other sink's commit isn't torn.
        #expect(pipeline.stores.map { $0.current.checkpoint?.commitNumber } == [3, 2])
        pipeline.stores[1].failing(nil)
        #expect(await pipeline.run().exitCode == 0)
        #expect(pipeline.stores.allSatisfy { $0.rows("users").count == 100 })
    }
}

/// Holds whoever comes until it is opened, and tells that somebody has come.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var isReached = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watching: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func note() {
        let watching = state.withLock { state in
            state.isReached = true
            defer { state.watching = [] }
            return state.watching
        }
        for continuation in watching { continuation.resume() }
    }

    func wait() async {
        note()
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func reached() async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if !state.isReached { state.watching.append(continuation) }
                return state.isReached
            }
            if isReached { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
