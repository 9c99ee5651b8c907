import Flattening
import Logging
import PipelineCore
import PipelineEngine
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct PipelineRunnerTests {
    /// Every third user absent, every seventh failed, the others with one endpoint.
    static let answer: ScriptedLookup.Answer = { userID, _, _ in
        let number = Int(userID.drop { !$0.isNumber }) ?? 0
        if number % 7 == 3 { return .failed(RecordFailure(status: 400, code: "BadRequestException", message: "no")) }
        if number % 3 == 1 { return .absent }
        let json = #"[{"Id":"e-\#(number)","ChannelType":"EMAIL"}]"#
        return .found(EndpointTape(try JSONTape(decoding: Array(json.utf8)), form: .list(node: 0)))
    }

    private func plan(
        _ ids: [String], _ stores: [MemoryStore], batchSize: Int = 10, concurrency: Int = 8, fingerprint: String = "f",
        lookup: ScriptedLookup = ScriptedLookup(answer), onChangedInput: ChangedInputPolicy = .refuse,
        limits: (inout RunLimits) -> Void = { $0.maxFailed = .share(1) }
    ) -> RunPlan {
        var chosen = RunLimits()
        limits(&chosen)
        return RunPlan(
            pipeline: "p", source: .lookup(reader: ListReader(ids), lookup: lookup, concurrency: concurrency),
            sinks: stores.enumerated().map {
                PlannedSink(
                    sink: MemorySink(store: $0.element, name: "sink\($0.offset)"), transforms: [],
                    layout: .normalized(), rowSetIndex: 0,
                    fingerprint: fingerprint)
            }, batchSize: batchSize, limits: chosen, onChangedInput: onChangedInput, version: "1.0.0")
    }

    private func run(
        _ plan: RunPlan, _ request: RunRequest = RunRequest(), stop: StopSignal = StopSignal()
    ) async -> RunReport {
        let date = Timestamp("2026-11-23") ?? Timestamp(milliseconds: 0)
        var log = Logger(label: "test")
        log.logLevel = .critical
        let runner = PipelineRunner(
            plan: plan, log: log, stop: stop, board: ProgressBoard(), parking: ParkingPolicy(), now: { date })
        let reports = await runner.run(request)
        return reports.last ?? RunReport(summary: nil)
    }

    private func ids(_ count: Int) -> [String] { (0..<count).map { "user-\($0)" } }

    /// The expected account, counted without the engine.
    private func account(_ count: Int) -> (found: Int, absent: Int, failed: Int) {
        var result = (found: 0, absent: 0, failed: 0)
        for number in 0..<count {
            if number % 7 == 3 {
                result.failed += 1
            } else if number % 3 == 1 {
                result.absent += 1
            } else {
                result.found += 1
            }
        }
        return result
    }

    @Test(arguments: [0, 1, 9, 10, 11, 100, 1234]) func accountsForEveryRecord(count: Int) async {
        let store = MemoryStore()
        let report = await run(
            plan(
                ids(count), [store],
                limits: {
                    $0.minRecords = 0; $0.maxFailed = .share(1)
                }))
        let expected = account(count)
        #expect(report.error == nil)
        #expect(report.summary?.state == .complete)
        #expect(report.summary?.counts.records == count)
        #expect(report.summary?.counts.found == expected.found)
        #expect(report.summary?.counts.absent == expected.absent)
        #expect(report.summary?.counts.failed == expected.failed)
        #expect(store.rows("users").count == expected.found + expected.absent)
        #expect(store.rows("failures").count == expected.failed)
        #expect(store.rows("endpoints").count == expected.found)
        // Full batches, and one that says that the input has ended.
        #expect(store.current.commits == count / 10 + 1)
        #expect(report.exitCode == (expected.failed > 0 ? 65 : 0))
    }

    /// A crash at any step of any sink, then again and again until it is complete: the same content as without.
    @Test func aCrashAtAnyStepLosesNothing() async {
        let whole = MemoryStore()
        _ = await run(plan(ids(95), [whole]))
        var steps: [MemoryStore.Step] = [.begin, .prepareCompletion, .commitCompletion]
        for number in 1...10 { steps += [.prepare(number), .commit(number)] }
        for step in steps {
            for victim in 0...1 {
                let stores = [MemoryStore(), MemoryStore()]
                let fired = Mutex(false)
                stores[victim].failing { reached in
                    let first = fired.withLock { fired in
                        defer { fired = fired || reached == step }
                        return reached == step && !fired
                    }
                    if first { throw PipelineError(.ioError, "pulled the plug") }
                }
                let broken = await run(plan(ids(95), stores))
                #expect(broken.error?.kind == .ioError, "\(step) of sink \(victim)")
                let resumed = await run(plan(ids(95), stores))
                #expect(resumed.error == nil, "\(step) of sink \(victim): \(String(describing: resumed.error))")
                #expect(resumed.summary?.state == .complete)
                for store in stores {
                    #expect(store.current.rows == whole.current.rows, "\(step) of sink \(victim)")
                    #expect(store.current.checkpoint == whole.current.checkpoint, "\(step) of sink \(victim)")
                }
            }
        }
    }

    @Test func aBrakeStopsBeforeTheCommit() async {
        let store = MemoryStore()
        let report = await run(plan(ids(100), [store], limits: { $0.maxFailed = .count(5) }))
        #expect(report.error?.kind == .brake)
        #expect(report.exitCode == 76)
        // What failed isn't committed, so the message says with what.
        #expect(report.error?.hint?.contains("BadRequestException (") == true)
        // Failures are the users 3, 10, 17, 24, 31 and 38: the batch from 30 on is refused.
        #expect(store.current.checkpoint?.progress.nextOrdinal == 30)
        #expect(store.rows("failures").count == 4)
        let accepted = await run(
            plan(ids(100), [store], limits: { $0.maxFailed = .count(5) }), RunRequest(accepted: [.failed]))
        #expect(accepted.summary?.state == .complete)
        #expect(accepted.summary?.resumedFrom?.nextOrdinal == 30)
    }

    /// Everybody is absent, and user 60 ends the run once something is committed.
    private func endingAtUser60(_ store: MemoryStore) -> ScriptedLookup {
        ScriptedLookup { userID, _, _ in
            guard userID == "user-60" else { return .absent }
            while store.current.commits < 3 { try await Task.sleep(for: .milliseconds(1)) }
            throw PipelineError(.permission, "forbidden")
        }
    }

    @Test func changedInputIsRefusedOrRestarted() async {
        let store = MemoryStore()
        let lookup = endingAtUser60(store)
        var limits: (inout RunLimits) -> Void { { $0.maxAbsent = .share(1) } }
        let first = await run(plan(ids(100), [store], concurrency: 1, lookup: lookup, limits: limits))
        #expect(first.error?.kind == .permission)
        var changed = ids(100)
        changed[2] = "somebody-else"
        let refused = await run(plan(changed, [store], limits: limits))
        #expect(refused.error?.kind == .noInput)
        #expect(refused.error?.hint?.contains("--fresh") == true)
        let before = store.current.runs
        let restarted = await run(plan(changed, [store], onChangedInput: .restart, limits: limits))
        #expect(restarted.summary?.state == .complete)
        #expect(restarted.summary?.counts.records == 100)
        #expect(before.keys.allSatisfy { store.current.runs[$0]?.state == .abandoned })
    }

    @Test func anotherConfigurationIsRefused() async {
        let store = MemoryStore()
        let lookup = endingAtUser60(store)
        _ = await run(plan(ids(100), [store], concurrency: 1, lookup: lookup))
        let refused = await run(plan(ids(100), [store], fingerprint: "another"))
        #expect(refused.error?.kind == .configuration)
        let fresh = await run(plan(ids(100), [store], fingerprint: "another"), RunRequest(fresh: true))
        #expect(fresh.summary?.state == .complete)
    }

    @Test func aStopFinishesTheCommitAtHandAndNoMore() async {
        let stop = StopSignal()
        let lookup = ScriptedLookup { userID, _, _ in
            if userID == "user-55" { stop.request() }
            return .absent
        }
        let store = MemoryStore()
        let report = await run(plan(ids(1000), [store], concurrency: 1, lookup: lookup), stop: stop)
        #expect(report.exitCode == 75)
        let committed = store.current.checkpoint?.progress.nextOrdinal ?? 0
        #expect(committed % 10 == 0 && committed <= 60)
        let rest = await run(plan(ids(1000), [store]))
        #expect(rest.summary?.state == .complete)
        #expect(rest.summary?.counts.records == 1000)
    }

    @Test func anotherDateFollowsAnUnfinishedRun() async throws {
        let stop = StopSignal()
        let store = MemoryStore()
        let lookup = ScriptedLookup { userID, _, _ in
            if userID == "user-25" { stop.request() }
            return .absent
        }
        _ = await run(plan(ids(50), [store], concurrency: 1, lookup: lookup), stop: stop)
        let date = try #require(Timestamp("2026-11-24"))
        let quiet = ScriptedLookup { _, _, _ in .absent }
        let report = await run(plan(ids(50), [store], lookup: quiet), RunRequest(logicalDate: date))
        #expect(report.summary?.runID == "p-20261124T000000Z")
        #expect(store.current.runs.values.allSatisfy { $0.state == .complete })
        #expect(store.current.runs.count == 2)
        // Once more: nothing to do, and nothing asked.
        let asked = quiet.asked.count
        let again = await run(plan(ids(50), [store], lookup: quiet), RunRequest(logicalDate: date))
        #expect(again.exitCode == 0)
        #expect(quiet.asked.count == asked)
    }

    @Test func whatTheSourceLearnedIsHandedOn() async {
        let store = MemoryStore()
        _ = await run(plan(ids(10), [store]))
        let lookup = ScriptedLookup(Self.answer)
        _ = await run(plan(ids(10), [store], lookup: lookup))
        #expect(lookup.restored == "{\"rate\":300}")
    }

    /// Runs two sinks of which the second fails to commit batch `number`, so that it lags by one.
    private func lagging(_ ids: [String], at number: Int) async -> [MemoryStore] {
        let stores = [MemoryStore(), MemoryStore()]
        stores[1].failing { step in
            if step == .commit(number) { throw PipelineError(.ioError, "pulled the plug") }
        }
        _ = await run(plan(ids, stores))
        stores[1].failing(nil)
        #expect(stores[0].current.checkpoint?.commitNumber == number)
        #expect(stores[1].current.checkpoint?.commitNumber == number - 1)
        return stores
    }

    /// What only the sink ahead has consumed is part of the input that must not change.
    @Test func inputThatOnlyTheSinkAheadHasConsumedIsVerified() async {
        let stores = await lagging(ids(100), at: 2)
        var changed = ids(100)
        changed[15] = "somebody-else"
        #expect(await run(plan(changed, stores)).error?.kind == .noInput)
        #expect(await run(plan(Array(ids(100).prefix(15)), stores)).error?.kind == .noInput)
        let resumed = await run(plan(ids(100), stores))
        #expect(resumed.summary?.state == .complete)
        #expect(stores[0].current.rows == stores[1].current.rows)
    }

    /// Where the sink ahead has seen the end of the input, what was added since belongs to the next run.
    @Test(arguments: [3, 35]) func theEndOfTheInputIsThatOfTheSinkAhead(added: Int) async {
        let stores = await lagging(ids(95), at: 10)
        let resumed = await run(plan(ids(95 + added), stores))
        #expect(resumed.error == nil)
        #expect(resumed.summary?.state == .complete)
        #expect(resumed.summary?.counts.records == 95)
        #expect(stores[0].current.rows == stores[1].current.rows)
        #expect(stores[0].current.checkpoint == stores[1].current.checkpoint)
    }

    /// A date is done only where every sink has it.
    @Test func aSinkThatWasAddedGetsTheDateToo() async throws {
        let stores = [MemoryStore(), MemoryStore()]
        let date = try #require(Timestamp("2026-11-24"))
        _ = await run(plan(ids(20), [stores[0]]), RunRequest(logicalDate: date))
        _ = await run(plan(ids(20), stores), RunRequest(logicalDate: date))
        #expect(stores[1].rows("users") == stores[0].rows("users"))
        #expect(stores[1].current.checkpoint?.progress.nextOrdinal == 20)
    }

    /// A fresh start of the same date that dies between two sinks doesn't take the old run for the new one.
    @Test func aFreshStartThatDiesBetweenTwoSinksIsBegunInBoth() async throws {
        let stores = [MemoryStore(), MemoryStore()]
        let date = try #require(Timestamp("2026-11-24"))
        for store in stores {
            store.failing { step in if step == .prepare(3) { throw PipelineError(.ioError, "full") } }
        }
        _ = await run(plan(ids(100), stores), RunRequest(logicalDate: date))
        #expect(stores.allSatisfy { $0.current.checkpoint?.commitNumber == 2 })
        stores[0].failing(nil)
        stores[1].failing { step in if step == .begin { throw PipelineError(.ioError, "full") } }
        _ = await run(plan(ids(100), stores), RunRequest(logicalDate: date, fresh: true))
        stores[1].failing(nil)
        let other = (0..<40).map { "other-\($0)" }
        let resumed = await run(plan(other, stores), RunRequest(logicalDate: date))
        #expect(resumed.summary?.state == .complete)
        for store in stores {
            #expect(store.current.checkpoint?.counts.records == 40)
            #expect(store.rows("users").keys.contains { $0.hasSuffix("/" + MemoryStore.key("other-0")) })
        }
    }
}
