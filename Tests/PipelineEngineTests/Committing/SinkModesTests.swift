import PipelineCore
import PipelineEngine
import Testing

/// Sinks of different modes in one run.
@Suite(.timeLimit(.minutes(3))) struct SinkModesTests {
    private static let first = "p-20261123T000000Z"
    private static let second = "p-20261123T000001Z"

    @Test func eachSinkHoldsWhatItsModeSays() async throws {
        let pipeline = TestPipeline(
            WriteMode.allCases, ids: TestPipeline.ids(0..<25), answer: TestPipeline.everybody)
        #expect(await pipeline.run().exitCode == 0)
        // The second list lacks users 0 to 4; user 10 is unknown by now, user 11 has another endpoint.
        let report = await pipeline.next(TestPipeline.ids(5..<25)) { userID, _, _ in
            switch TestPipeline.number(userID) {
            case 10: return .absent
            case 11: return try TestPipeline.found(["moved"])
            case let number: return try TestPipeline.found(["e-\(number)"])
            }
        }.run()
        #expect(report.exitCode == 0)
        #expect(report.summary?.sinks.map(\.counts.removed) == [2, 0, 7])
        #expect(report.summary?.sinks.map(\.counts.previousEndpoints) == [20, 0, 25])
        #expect(report.summary?.sinks.map(\.mode) == WriteMode.allCases)

        let old = (0..<25).map { "e-\($0)" }
        let new = (5..<25).filter { $0 != 10 && $0 != 11 }.map { "e-\($0)" } + ["moved"]
        let kept = (0..<5).map { "e-\($0)" } + new
        for (mode, expected) in [(WriteMode.merge, kept), (.append, old + new), (.replace, new)] {
            let store = try #require(pipeline.store(mode))
            #expect(store.texts("endpoint_id", of: "endpoints", mode: mode) == expected.sorted(), "\(mode)")
            #expect(store.texts("value", of: "endpoint_attributes", mode: mode) == expected.sorted(), "\(mode)")
        }
        // Where runs stand beside each other, parts name theirs.
        let runs = try #require(pipeline.store(.append)).texts("run_id", of: "endpoint_attributes", mode: .append)
        #expect(runs == Array(repeating: Self.first, count: 25) + Array(repeating: Self.second, count: 19))
        #expect(try #require(pipeline.store(.merge)).rows("endpoint_attributes").values.allSatisfy { $0.count == 5 })
        #expect(try #require(pipeline.store(.append)).rows("users").count == 45)
        #expect(try #require(pipeline.store(.replace)).rows("users").count == 20)
    }

    // MARK: Replaces that wait

    /// A store that a good run has filled, and a second run with failures after it.
    private func waiting(_ modes: [WriteMode] = [.merge, .replace]) async -> (TestPipeline, RunReport) {
        let pipeline = TestPipeline(modes, ids: TestPipeline.ids(0..<30), answer: TestPipeline.everybody)
        #expect(await pipeline.run().exitCode == 0)
        let next = pipeline.next(TestPipeline.ids(10..<40), answer: TestPipeline.everybody(but: [12, 13, 35]))
        return (next, await next.run())
    }

    @Test func aReplaceWithFailuresIsNotPublished() async throws {
        let (pipeline, report) = await waiting()
        #expect(report.error == nil)
        #expect(report.exitCode == 65)
        #expect(report.summary?.state == .unpublished)
        #expect(report.summary?.sinks.map(\.state) == [.complete, .unpublished])
        #expect(report.text()?.contains("not published") == true)
        let replaced = try #require(pipeline.store(.replace))
        #expect(Set(replaced.texts("run_id", of: "endpoints", mode: .replace)) == [Self.first])
        #expect(replaced.rows("endpoints").count == 30)
        #expect(replaced.current.lastRun?.state == .unpublished)
        // The merge has everything: its failed users keep what they had.
        #expect(try #require(pipeline.store(.merge)).rows("endpoints").count == 39)
    }

    @Test func aRunThatWaitsBlocksItsOwnDate() async throws {
        let (pipeline, _) = await waiting()
        let date = try #require(Timestamp(String(Self.second.dropFirst(2))))
        let before = pipeline.stores.map(\.current.rows)
        let asked = pipeline.lookup.asked.count
        let reports = await pipeline.reports(RunRequest(logicalDate: date))
        #expect(reports.map(\.exitCode) == [65])
        #expect(reports.last?.summary?.runID == Self.second)
        #expect(reports.last?.summary?.state == .unpublished)
        #expect(reports.last?.summary?.shortcoming?.contains("accept_failed") == true)
        #expect(pipeline.lookup.asked.count == asked)
        #expect(pipeline.stores.map(\.current.rows) == before)
        #expect(pipeline.stores.allSatisfy { $0.current.runs.count == 2 })
    }

    @Test(arguments: [nil, Timestamp("2026-11-24")])
    func theRunOfAnotherDateTakesThePlaceOfOneThatWaits(_ date: Timestamp?) async throws {
        let (waiting, _) = await waiting()
        var pipeline = waiting.next(waiting.ids, answer: TestPipeline.everybody)
        pipeline.millisecondsLater = 5000
        pipeline.limits.maxRemoved = .share(1)
        let report = await pipeline.run(RunRequest(logicalDate: date))
        #expect(report.exitCode == 0)
        #expect(report.summary?.runID != Self.second)
        let replaced = try #require(pipeline.store(.replace))
        #expect(replaced.current.runs[Self.second]?.state == .abandoned)
        #expect(Set(replaced.texts("run_id", of: "endpoints", mode: .replace)) == [report.summary?.runID ?? ""])
        #expect(try #require(pipeline.store(.merge)).current.runs[Self.second]?.state == .complete)
    }

    /// A date that is done does nothing; the run that waits goes on waiting.
    @Test func aDateThatIsDoneLeavesTheRunThatWaits() async throws {
        let (pipeline, _) = await waiting()
        let date = try #require(Timestamp(String(Self.first.dropFirst(2))))
        let report = await pipeline.run(RunRequest(logicalDate: date))
        #expect(report.summary?.runID == Self.first)
        #expect(try #require(pipeline.store(.replace)).current.runs[Self.second]?.state == .unpublished)
    }

    @Test func aRunThatWaitsIsPublishedOnceItsFailuresAreAccepted() async throws {
        var (pipeline, _) = await waiting()
        pipeline.limits.acceptFailed = .count(3)
        pipeline.limits.maxRemoved = .share(1)
        let asked = pipeline.lookup.asked.count
        let report = await pipeline.run()
        #expect(report.exitCode == 0)
        #expect(report.summary?.runID == Self.second)
        #expect(report.summary?.state == .complete)
        #expect(report.summary?.sinks.map(\.state) == [.complete, .complete])
        #expect(report.summary?.sinks.last?.counts.previousEndpoints == 30)
        #expect(report.summary?.sinks.last?.counts.removed == 12)
        #expect(pipeline.lookup.asked.count == asked)
        let replaced = try #require(pipeline.store(.replace))
        #expect(Set(replaced.texts("run_id", of: "endpoints", mode: .replace)) == [Self.second])
        #expect(replaced.rows("endpoints").count == 27)
        #expect(replaced.current.lastRun?.counts == replaced.current.checkpoint?.counts)
    }

    /// Where another date was asked for, it follows once the waiting run is published.
    @Test func theDateAskedForFollowsThePublication() async throws {
        var (pipeline, _) = await waiting()
        pipeline.limits.acceptFailed = .share(0.1)
        let date = try #require(Timestamp("2026-11-24"))
        let reports = await pipeline.reports(RunRequest(logicalDate: date))
        #expect(reports.map(\.summary?.runID) == [Self.second, "p-20261124T000000Z"])
        #expect(reports.map(\.exitCode) == [0, 0])
        let replaced = try #require(pipeline.store(.replace))
        #expect(Set(replaced.texts("run_id", of: "endpoints", mode: .replace)) == ["p-20261124T000000Z"])
    }

    @Test func freshGivesUpARunThatWaits() async throws {
        let (waiting, _) = await waiting()
        var pipeline = waiting.next(TestPipeline.ids(0..<5), answer: TestPipeline.everybody)
        pipeline.limits.maxRemoved = .share(1)
        let report = await pipeline.run(RunRequest(fresh: true))
        #expect(report.exitCode == 0)
        let replaced = try #require(pipeline.store(.replace))
        #expect(replaced.current.runs[Self.second]?.state == .abandoned)
        #expect(replaced.rows("endpoints").count == 5)
        #expect(replaced.rows("failures").isEmpty)
        // The merge had completed that run.
        #expect(try #require(pipeline.store(.merge)).current.runs[Self.second]?.state == .complete)
    }

    /// The exit code tells of the sink that waits, also where the first sink's account has no failure: one that caught up
    /// after a crash asked again.
    @Test func aWaitingSinkIsToldOfThoughTheFirstOneHasNoFailure() async throws {
        let pipeline = TestPipeline([.merge, .replace], ids: TestPipeline.ids(0..<30), answer: TestPipeline.everybody)
        pipeline.stores[1].failing { step in
            if step == .commit(2) { throw PipelineError(.ioError, "pulled the plug") }
        }
        #expect(await pipeline.run().exitCode == 74)
        pipeline.stores[1].failing(nil)
        let next = pipeline.next(pipeline.ids, answer: TestPipeline.everybody(but: [15]))
        let report = await next.run()
        #expect(report.summary?.sinks.map(\.counts.failed) == [0, 1])
        #expect(report.summary?.sinks.map(\.state) == [.complete, .unpublished])
        #expect(report.summary?.state == .unpublished)
        #expect(report.exitCode == 65)
    }

    // MARK: Brakes

    /// What a `replace` would remove is known at its completion alone, and then no sink completes.
    @Test func aBrakeAtTheCompletionPublishesNothing() async throws {
        var pipeline = TestPipeline(
            [.merge, .replace, .append], ids: TestPipeline.ids(0..<50), answer: TestPipeline.everybody)
        pipeline.limits.maxRemoved = .count(9)
        #expect(await pipeline.run().exitCode == 0)
        let next = pipeline.next(TestPipeline.ids(0..<40), answer: TestPipeline.everybody)
        for _ in 0..<2 {
            let report = await next.run()
            #expect(report.error?.kind == .brake)
            #expect(report.exitCode == 76)
            #expect(report.error?.message.contains("10 of 50") == true)
            #expect(report.summary?.state == .running)
            #expect(report.summary?.sinks.map(\.state) == [.running, .running, .running])
            #expect(next.stores.allSatisfy { $0.current.lastRun?.state == .running })
            let replaced = try #require(next.store(.replace))
            #expect(Set(replaced.texts("run_id", of: "endpoints", mode: .replace)) == [Self.first])
            #expect(replaced.current.checkpoint?.counts.removed == 0)
        }
        let asked = next.lookup.asked.count
        let accepted = await next.run(RunRequest(accepted: [.removed]))
        #expect(accepted.exitCode == 0)
        #expect(accepted.summary?.state == .complete)
        #expect(accepted.summary?.sinks.map(\.counts.removed) == [0, 10, 0])
        #expect(next.lookup.asked.count == asked)
        let replaced = try #require(next.store(.replace))
        #expect(replaced.rows("endpoints").count == 40)
        #expect(replaced.current.checkpoint?.counts.previousEndpoints == 50)
    }

    /// As many as the limit are no reason to stop.
    @Test func aBrakeAtTheCompletionLetsItsLimitPass() async {
        var pipeline = TestPipeline([.replace], ids: TestPipeline.ids(0..<50), answer: TestPipeline.everybody)
        pipeline.limits.maxRemoved = .count(10)
        #expect(await pipeline.run().exitCode == 0)
        #expect(await pipeline.next(TestPipeline.ids(0..<40), answer: TestPipeline.everybody).run().exitCode == 0)
    }

    /// A `replace` without failures holds the newest list alone: nothing is counted while its rows are written.
    @Test func whatARunRemovesIsJudgedAgainstWhatWasPublished() async {
        var pipeline = TestPipeline([.replace], ids: TestPipeline.ids(0..<2000), answer: TestPipeline.everybody)
        pipeline.batchSize = 500
        pipeline.limits.maxRemoved = .share(0.2)
        #expect(await pipeline.run().exitCode == 0)
        // 20 % of 2000 are 400: 1600 users pass, 1599 don't.
        #expect(await pipeline.next(TestPipeline.ids(0..<1600), answer: TestPipeline.everybody).run().exitCode == 0)
        #expect(await pipeline.next(TestPipeline.ids(0..<1279), answer: TestPipeline.everybody).run().exitCode == 76)
        #expect(pipeline.stores[0].rows("users").count == 1600)
    }

    // MARK: Crashes

    struct Crash: Sendable, CustomTestStringConvertible {
        var step: MemoryStore.Step
        var victim: Int
        var isUnpublished: Bool
        var testDescription: String { "\(step) of sink \(victim)\(isUnpublished ? ", with failures" : "")" }

        static let all: [Crash] = [
            MemoryStore.Step.begin, .prepare(1), .commit(1), .prepare(3), .commit(3), .prepare(4), .commit(4),
            .prepareCompletion, .commitCompletion,
        ].flatMap { step in
            (0..<4).flatMap { victim in
                [false, true].map { Crash(step: step, victim: victim, isUnpublished: $0) }
            }
        }
    }

    /// One sink crashes at any step of the second run, then it is run again: all end as if nothing had happened, whether
    /// they are published or wait.
    @Test(arguments: Crash.all) func aCrashAtAnyStepLosesNothing(_ crash: Crash) async {
        let modes: [WriteMode] = [.merge, .replace, .append, .replace]
        let answer = TestPipeline.everybody(but: crash.isUnpublished ? [12, 31] : [])
        func filled() async -> TestPipeline {
            var pipeline = TestPipeline(modes, ids: TestPipeline.ids(0..<40), answer: TestPipeline.everybody)
            pipeline.limits.maxRemoved = .share(1)
            #expect(await pipeline.run().exitCode == 0)
            return pipeline.next(TestPipeline.ids(5..<42), answer: answer)
        }
        let whole = await filled()
        let expected = await whole.run()
        #expect(expected.exitCode == (crash.isUnpublished ? 65 : 0))

        let pipeline = await filled()
        pipeline.stores[crash.victim].failing { step in
            if step == crash.step { throw PipelineError(.ioError, "pulled the plug") }
        }
        let broken = await pipeline.run()
        #expect(broken.error?.kind == .ioError)
        #expect(broken.summary?.state != .complete)
        pipeline.stores[crash.victim].failing(nil)
        let resumed = await pipeline.run()
        #expect(resumed.error == nil)
        #expect(resumed.exitCode == expected.exitCode)
        #expect(resumed.summary?.state == expected.summary?.state)
        #expect(resumed.summary?.sinks.map(\.state) == expected.summary?.sinks.map(\.state))
        #expect(resumed.summary?.sinks.map(\.counts) == expected.summary?.sinks.map(\.counts))
        for (store, other) in zip(pipeline.stores, whole.stores) {
            #expect(store.current.rows == other.current.rows)
            #expect(store.current.aside == other.current.aside)
            #expect(store.current.ledgers == other.current.ledgers)
        }
    }
}
