import Flattening
import PipelineCore
import PipelineEngine
import Synchronization
import Testing

/// Failures that are fetched again, over sinks in memory. The oracle is a run in which nobody failed.
@Suite(.timeLimit(.minutes(5))) struct RetryTests {
    static let modes: [WriteMode] = [.merge, .append, .replace, .replace]
    static let first = Timestamp("2026-11-20") ?? Timestamp(milliseconds: 0)
    static let second = Timestamp("2026-11-21") ?? Timestamp(milliseconds: 0)

    /// Endpoints that users share, so that they move among them, and that depend on the day.
    static func answer(_ day: Int, failing: Set<Int> = []) -> ScriptedLookup.Answer {
        { userID, _, visit in
            let number = TestPipeline.number(userID)
            // Whoever comes twice has failed the first time alone.
            if failing.contains(number), visit == 1 { return TestPipeline.failure }
            if number % 7 == day { return .absent }
            return try TestPipeline.found((0..<(number + day) % 4).map { "e-\((number * 5 + $0 * 3 + day) % 60)" })
        }
    }

    /// A first day on which all went well, and a second one with failures; the last sink has no keys.
    static func twoDays(_ ids: [String], failing: Set<Int>) async -> (pipeline: TestPipeline, report: RunReport) {
        var pipeline = TestPipeline(modes, ids: TestPipeline.ids(0..<70), answer: answer(0))
        pipeline.unkeyed = [3]
        pipeline.limits.maxRemoved = .share(1)
        #expect(await pipeline.run(RunRequest(logicalDate: first)).exitCode == 0)
        var next = pipeline.next(ids, answer: answer(1, failing: failing))
        // In order, so that the first one to come is the first one in the input.
        next.concurrency = 1
        return (next, await next.run(RunRequest(logicalDate: second)))
    }

    /// What readers see, rows without keys as well.
    static func content(_ pipeline: TestPipeline) -> [[String]] {
        pipeline.stores.map { store in
            store.current.rows.map { key, row in "\(key.prefix { $0 != "/" }) \(row)" }.sorted()
        }
    }

    static func accounts(_ pipeline: TestPipeline) -> [[Int]] {
        pipeline.stores.map { store in
            let counts = store.current.checkpoint?.counts ?? RunCounts()
            return [counts.found, counts.absent, counts.failed, counts.refused, counts.endpoints]
        }
    }

    static func rows(_ pipeline: TestPipeline) -> [[String: Int]] {
        pipeline.stores.map { $0.current.checkpoint?.counts.rows.filter { $0.value != 0 } ?? [:] }
    }

    @Test(arguments: 1...12) func theContentIsThatOfARunInWhichNobodyFailed(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let ids = (0..<100).map { _ in "user-\(Int.random(in: 0..<80, using: &random))" }
        let failing = Set((0..<30).map { _ in Int.random(in: 0..<80, using: &random) })
        let whole = await Self.twoDays(ids, failing: [])
        #expect(whole.report.exitCode == 0)
        let (pipeline, report) = await Self.twoDays(ids, failing: failing)
        #expect(report.exitCode == 65, "seed \(seed)")
        let failed = report.summary?.counts.failed ?? 0
        let asked = pipeline.lookup.asked.count
        let retried = await pipeline.retry()
        #expect(retried.error == nil, "seed \(seed)")
        #expect(retried.exitCode == 0, "seed \(seed)")
        #expect(retried.summary?.state == .complete)
        #expect(pipeline.lookup.asked.count == asked + failed, "each of them is asked for once, for all sinks")
        #expect(retried.summary?.retried.map { $0.found + $0.absent } == failed)
        #expect(Self.content(pipeline) == Self.content(whole.pipeline), "seed \(seed)")
        #expect(Self.accounts(pipeline) == Self.accounts(whole.pipeline), "seed \(seed)")
        #expect(Self.rows(pipeline) == Self.rows(whole.pipeline), "seed \(seed)")
        #expect(pipeline.stores.allSatisfy { $0.current.lastRun?.counts == $0.current.checkpoint?.counts })
        // Once more: there is nothing left to ask for.
        let again = await pipeline.retry()
        #expect(again.exitCode == 0)
        #expect(pipeline.lookup.asked.count == asked + failed)
        #expect(Self.content(pipeline) == Self.content(whole.pipeline))
    }

    // MARK: Crashes

    struct Crash: Sendable, CustomTestStringConvertible {
        var step: MemoryStore.Step
        var victim: Int
        var testDescription: String { "\(step) of sink \(victim)" }

        /// The second day has 8 commits; 25 failures are 3 more.
        static let all = [
            MemoryStore.Step.prepare(9), .commit(9), .prepare(10), .commit(10), .prepare(11), .commit(11),
            .prepareCompletion, .commitCompletion,
        ].flatMap { step in (0..<4).map { Crash(step: step, victim: $0) } }
    }

    @Test(arguments: Crash.all) func aCrashAtAnyStepLosesNothing(_ crash: Crash) async {
        let ids = TestPipeline.ids(0..<75)
        let failing = Set((0..<25).map { 3 * $0 })
        let whole = await Self.twoDays(ids, failing: [])
        let (pipeline, _) = await Self.twoDays(ids, failing: failing)
        let fired = Mutex(false)
        pipeline.stores[crash.victim].failing { step in
            guard step == crash.step else { return }
            let isFirst = fired.withLock { fired in
                defer { fired = true }
                return !fired
            }
            if isFirst { throw PipelineError(.ioError, "pulled the plug") }
        }
        let broken = await pipeline.retry()
        guard fired.withLock({ $0 }) else {
            // What is complete already is neither prepared nor committed.
            #expect([0, 1].contains(crash.victim) && [.prepareCompletion, .commitCompletion].contains(crash.step))
            #expect(broken.exitCode == 0)
            return
        }
        #expect(broken.error?.kind == .ioError)
        // A replace that waits still blocks what comes after it, in whatever state the others are.
        let blocked = await pipeline.run(RunRequest(logicalDate: Self.second))
        #expect(blocked.exitCode == 65 || blocked.exitCode == 0)
        #expect(blocked.error == nil)
        if blocked.exitCode == 0 {
            // All failures were amended, and the run settled what was left.
            #expect(blocked.summary?.runID == "p-20261121T000000Z")
            return
        }
        let resumed = await pipeline.retry()
        #expect(resumed.error == nil)
        #expect(resumed.exitCode == 0)
        #expect(Self.content(pipeline) == Self.content(whole.pipeline))
        #expect(Self.accounts(pipeline) == Self.accounts(whole.pipeline))
        #expect(Self.rows(pipeline) == Self.rows(whole.pipeline))
    }

    @Test func aStopEndsItBetweenTwoCommits() async {
        let ids = TestPipeline.ids(0..<75)
        let whole = await Self.twoDays(ids, failing: [])
        var (pipeline, _) = await Self.twoDays(ids, failing: Set(0..<50))
        let stop = StopSignal()
        pipeline.lookup = ScriptedLookup { userID, call, visit in
            if userID == "user-24" { stop.request() }
            return try await Self.answer(1)(userID, call, visit)
        }
        let stopped = await pipeline.retry(stop: stop)
        #expect(stopped.exitCode == 75)
        let failed = pipeline.stores[0].current.checkpoint?.counts.failed ?? 0
        #expect(failed >= 20 && failed <= 50 && failed % 10 == 0)
        #expect(await pipeline.retry().exitCode == 0)
        #expect(Self.content(pipeline) == Self.content(whole.pipeline))
    }

    // MARK: Within a run

    /// What fails is asked for again before the run ends, in every sink, also in one that publishes for good.
    @Test func aRunAsksAgainBeforeItEnds() async {
        let ids = TestPipeline.ids(0..<75)
        let failing = Set((0..<25).map { 3 * $0 })
        let whole = await Self.twoDays(ids, failing: [])
        var again = TestPipeline(Self.modes, ids: TestPipeline.ids(0..<70), answer: Self.answer(0))
        again.unkeyed = [3]
        again.limits.maxRemoved = .share(1)
        #expect(await again.run(RunRequest(logicalDate: Self.first)).exitCode == 0)
        again = again.next(ids, answer: Self.answer(1, failing: failing))
        again.concurrency = 1
        let report = await again.run(RunRequest(logicalDate: Self.second, retriesFailures: true))
        #expect(report.error == nil)
        #expect(report.exitCode == 0)
        #expect(report.summary?.retried.map { $0.found + $0.absent } == 25)
        #expect(Self.content(again) == Self.content(whole.pipeline))
        #expect(Self.accounts(again) == Self.accounts(whole.pipeline))
    }

    @Test(arguments: Crash.all) func aCrashAtAnyStepOfARunThatAsksAgain(_ crash: Crash) async {
        let ids = TestPipeline.ids(0..<75)
        let failing = Set((0..<25).map { 3 * $0 })
        let whole = await Self.twoDays(ids, failing: [])
        var pipeline = TestPipeline(Self.modes, ids: TestPipeline.ids(0..<70), answer: Self.answer(0))
        pipeline.unkeyed = [3]
        pipeline.limits.maxRemoved = .share(1)
        #expect(await pipeline.run(RunRequest(logicalDate: Self.first)).exitCode == 0)
        pipeline = pipeline.next(ids, answer: Self.answer(1, failing: failing))
        pipeline.concurrency = 1
        let fired = Mutex(false)
        pipeline.stores[crash.victim].failing { step in
            guard step == crash.step else { return }
            let isFirst = fired.withLock { fired in
                defer { fired = true }
                return !fired
            }
            if isFirst { throw PipelineError(.ioError, "pulled the plug") }
        }
        let request = RunRequest(logicalDate: Self.second, retriesFailures: true)
        #expect(await pipeline.run(request).error?.kind == .ioError)
        let resumed = await pipeline.run(request)
        #expect(resumed.error == nil)
        #expect(resumed.exitCode == 0)
        #expect(Self.content(pipeline) == Self.content(whole.pipeline))
        #expect(Self.accounts(pipeline) == Self.accounts(whole.pipeline))
    }

    // MARK: What stays

    @Test func whoFailsAgainStaysAFailure() async {
        let ids = TestPipeline.ids(0..<40)
        let whole = await Self.twoDays(ids, failing: [])
        var (pipeline, _) = await Self.twoDays(ids, failing: [3, 4, 17])
        pipeline.lookup = ScriptedLookup { userID, call, visit in
            if userID == "user-4" { return .failed(RecordFailure(status: 500, code: "Later", message: "still no")) }
            return try await Self.answer(1)(userID, call, visit)
        }
        let report = await pipeline.retry()
        #expect(report.error == nil)
        #expect(report.exitCode == 65)
        #expect(report.summary?.counts.failed == 1)
        #expect(report.summary?.retried?.failed == 1)
        #expect(report.summary?.sinks.map(\.state) == [.complete, .complete, .unpublished, .unpublished])
        #expect(pipeline.stores[0].texts("code", of: "failures", mode: .merge) == ["Later"])
        #expect(pipeline.stores[1].texts("code", of: "failures", mode: .append) == ["Later"])
        // What was there stays until few enough have failed.
        #expect(Set(pipeline.stores[2].texts("run_id", of: "users", mode: .replace)) == ["p-20261120T000000Z"])
        pipeline.lookup = ScriptedLookup(Self.answer(1))
        #expect(await pipeline.retry().exitCode == 0)
        #expect(Self.content(pipeline) == Self.content(whole.pipeline))
    }

    @Test func failuresThatAreAcceptedAfterwardsArePublished() async {
        let ids = TestPipeline.ids(0..<40)
        var (pipeline, _) = await Self.twoDays(ids, failing: [3, 4, 17])
        pipeline.limits.acceptFailed = .count(1)
        pipeline.lookup = ScriptedLookup { userID, call, visit in
            userID == "user-4" ? TestPipeline.failure : try await Self.answer(1)(userID, call, visit)
        }
        let report = await pipeline.retry()
        #expect(report.exitCode == 0)
        #expect(report.summary?.state == .complete)
        #expect(Set(pipeline.stores[2].texts("run_id", of: "users", mode: .replace)) == ["p-20261121T000000Z"])
        // The stores with keys are amended where they are; the one without is published, and stays as it is.
        let whole = await Self.twoDays(ids, failing: [])
        pipeline.lookup = ScriptedLookup(Self.answer(1))
        let again = await pipeline.retry()
        #expect(again.error == nil)
        #expect(again.summary?.counts.failed == 0)
        #expect(again.summary?.sinks.map(\.counts.failed) == [0, 0, 0, 1])
        #expect(Self.content(pipeline).prefix(3) == Self.content(whole.pipeline).prefix(3))
        #expect(pipeline.stores[3].rows("failures").count == 1)
    }

    @Test func theInputsOwnFailuresAreLeft() async {
        var pipeline = TestPipeline([.merge, .replace], ids: [], answer: TestPipeline.everybody(but: [1]))
        pipeline.reader = ListReader(contents: [
            .userID("user-0"), .fault(InputFault(code: .emptyUserID, message: "no ID", raw: [])), .userID("user-1"),
            .fault(InputFault(code: .invalidEncoding, message: "no UTF-8", raw: [0xFF])), .userID("user-2"),
        ])
        #expect(await pipeline.run().exitCode == 65)
        pipeline.lookup = ScriptedLookup(TestPipeline.everybody)
        let report = await pipeline.retry()
        #expect(report.error == nil)
        #expect(report.exitCode == 65)
        #expect(pipeline.lookup.asked == ["user-1"])
        #expect(report.summary?.retried?.left == 2)
        #expect(report.summary?.retried?.found == 1)
        #expect(report.summary?.counts.failed == 2)
        #expect(report.summary?.sinks.map(\.state) == [.complete, .unpublished])
        // Who is gone from the list by a broken ID is no failure like others.
        pipeline.limits.acceptFailed = .count(2)
        #expect(await pipeline.retry().summary?.sinks.map(\.state) == [.complete, .unpublished])
        pipeline.limits.acceptFailed = .count(0)
        pipeline.limits.acceptInvalid = .count(2)
        #expect(await pipeline.retry().exitCode == 0)
        #expect(pipeline.stores[1].rows("users").count == 3)
    }

    @Test func anArchivesFailuresAreLeft() async {
        var pipeline = TestPipeline([.replace], ids: [], answer: TestPipeline.everybody)
        pipeline.archive = ListArchive([
            .document(Array(#"{"Id":"e1"}"#.utf8)), .document(Array("no JSON".utf8)),
            .document(Array(#"{"Id":"e2"}"#.utf8)),
        ])
        #expect(await pipeline.run().exitCode == 65)
        let report = await pipeline.retry()
        #expect(report.exitCode == 65)
        #expect(report.summary?.retried?.left == 1)
        #expect(report.summary?.state == .unpublished)
        pipeline.limits.acceptFailed = .count(1)
        #expect(await pipeline.retry().exitCode == 0)
        #expect(pipeline.stores[0].rows("endpoints").count == 2)
    }

    /// What a sink refuses isn't a failure of the user's, and can be mended where the constraint is.
    @Test func whatASinkHasRefusedIsTriedAgain() async {
        let ids = TestPipeline.ids(0..<30)
        let answer: ScriptedLookup.Answer = { userID, call, visit in
            userID == "user-9" ? .absent : try await TestPipeline.everybody(userID, call, visit)
        }
        let whole = TestPipeline([.merge, .append], ids: ids, answer: answer)
        #expect(await whole.run().exitCode == 0)
        let pipeline = TestPipeline([.merge, .append], ids: ids, answer: answer)
        pipeline.stores[1].refusing { ["user-7", "user-9", "user-20"].contains($0) }
        #expect(await pipeline.run().exitCode == 65)
        pipeline.stores[1].refusing { $0 == "user-20" }
        let asked = pipeline.lookup.asked.count
        let report = await pipeline.retry()
        #expect(report.exitCode == 65)
        #expect(pipeline.lookup.asked.count == asked + 3)
        #expect(report.summary?.sinks.map(\.counts.refused) == [0, 1])
        pipeline.stores[1].refusing(nil)
        #expect(await pipeline.retry().exitCode == 0)
        #expect(Self.content(pipeline) == Self.content(whole))
        #expect(Self.accounts(pipeline)[1][0] + Self.accounts(pipeline)[1][1] == 30)
        #expect(Self.rows(pipeline) == Self.rows(whole))
    }

    // MARK: IDs that the sinks don't hold

    /// Does nothing; but whether it does isn't known.
    struct Opaque: Transform {
        func apply(to endpoints: inout EndpointTape) throws {}
        // It may hide them; that it doesn't can't be seen from outside.
        func idMask(for id: RecordID) -> (@Sendable (String) -> String)? { { $0 } }
    }

    @Test func anIDThatNoSinkHoldsIsReadOnceMore() async {
        let ids = TestPipeline.ids(0..<40)
        var pipeline = TestPipeline([.merge, .replace], ids: ids, answer: TestPipeline.everybody(but: [3, 17, 39]))
        pipeline.transforms = [[Opaque()], [Opaque()]]
        #expect(await pipeline.run().exitCode == 65)
        let before = Self.content(pipeline)
        // Another list now: nobody is asked for.
        var changed = pipeline.next(ids.map { $0 == "user-2" ? "other" : $0 }, answer: TestPipeline.everybody)
        let refused = await changed.retry()
        #expect(refused.error?.kind == .noInput)
        #expect(changed.lookup.asked.isEmpty)
        #expect(Self.content(pipeline) == before)
        // What was added since doesn't matter.
        changed = pipeline.next(ids + ["late"], answer: TestPipeline.everybody)
        let report = await changed.retry()
        #expect(report.exitCode == 0)
        #expect(changed.lookup.asked.sorted() == ["user-17", "user-3", "user-39"])
        #expect(pipeline.stores.allSatisfy { $0.rows("users").count == 40 && $0.rows("failures").isEmpty })
    }

    @Test func anIDThatTheSinkHoldsNeedsNoInput() async {
        let pipeline = TestPipeline(
            [.merge], ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody(but: [3, 17]))
        #expect(await pipeline.run().exitCode == 65)
        let elsewhere = pipeline.next(["nobody"], answer: TestPipeline.everybody)
        #expect(await elsewhere.retry().exitCode == 0)
        #expect(pipeline.stores[0].rows("users").count == 40)
    }

    // MARK: Brakes and refusals

    @Test func aBrakeStopsBeforeTheCommit() async {
        let ids = TestPipeline.ids(0..<40)
        var pipeline = TestPipeline([.merge, .append], ids: ids, answer: TestPipeline.everybody(but: Set(0..<20)))
        pipeline.limits.maxAbsent = .count(5)
        #expect(await pipeline.run().exitCode == 65)
        let before = Self.content(pipeline)
        pipeline.lookup = ScriptedLookup { _, _, _ in .absent }
        let report = await pipeline.retry()
        #expect(report.exitCode == 76)
        #expect(report.error?.message.contains("10 of 40") == true)
        #expect(Self.content(pipeline) == before)
        #expect(await pipeline.retry([.absent]).exitCode == 0)
        #expect(pipeline.stores[0].current.checkpoint?.counts.absent == 20)
    }

    /// Whoever has let a run pass a brake isn't asked once more.
    @Test func whatTheRunWasLetPassWithIsNoReasonToStop() async {
        let ids = TestPipeline.ids(0..<40)
        var pipeline = TestPipeline([.merge], ids: ids) { userID, _, _ in
            TestPipeline.number(userID) < 3 ? TestPipeline.failure : .absent
        }
        pipeline.limits.maxAbsent = .count(5)
        pipeline.limits.maxFailed = .count(1)
        #expect(await pipeline.run().exitCode == 76)
        #expect(await pipeline.run(RunRequest(accepted: [.absent, .failed])).exitCode == 65)
        pipeline.lookup = ScriptedLookup { _, _, _ in .absent }
        #expect(await pipeline.retry().exitCode == 0)
    }

    @Test func onlyARunThatHasEndedCanBeAmended() async {
        let ids = TestPipeline.ids(0..<40)
        var pipeline = TestPipeline([.merge], ids: ids, answer: TestPipeline.everybody(but: [3]))
        let nothing = await pipeline.retry()
        #expect(nothing.error?.kind == .usage)
        pipeline.stores[0].failing { step in if step == .commit(2) { throw PipelineError(.ioError, "full") } }
        _ = await pipeline.run()
        let unfinished = await pipeline.retry()
        #expect(unfinished.error?.kind == .temporary)
        #expect(unfinished.error?.hint?.contains("sluice run") == true)
        pipeline.stores[0].failing(nil)
        #expect(await pipeline.run().exitCode == 65)
        pipeline.fingerprint = "other"
        let changed = await pipeline.retry()
        #expect(changed.error?.kind == .configuration)
        pipeline.fingerprint = "f"
        pipeline.sinks.append((.append, MemoryStore()))
        #expect(await pipeline.retry().error?.kind == .configuration)
        pipeline.sinks.removeLast()
        pipeline.lookup = ScriptedLookup(TestPipeline.everybody)
        #expect(await pipeline.retry().exitCode == 0)
    }

    @Test func whatIsPublishedInFilesIsLeftAndToldHowToDoItAgain() async {
        var pipeline = TestPipeline(
            [.append], ids: TestPipeline.ids(0..<20), answer: TestPipeline.everybody(but: [3]))
        pipeline.unkeyed = [0]
        #expect(await pipeline.run().exitCode == 65)
        let asked = pipeline.lookup.asked.count
        let report = await pipeline.retry()
        #expect(report.error == nil && report.exitCode == 65)
        #expect(report.summary?.shortcoming?.contains("--fresh") == true)
        #expect(pipeline.lookup.asked.count == asked)
    }
}
