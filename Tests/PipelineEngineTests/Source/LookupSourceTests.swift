import PipelineCore
import PipelineEngine
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct LookupSourceTests {
    private func collect(_ source: LookupSource) async throws -> (events: [SourceEvent], records: [SourceRecord]) {
        var events: [SourceEvent] = []
        while true {
            let next = try await source.next(limit: 100)
            if next.isEmpty { break }
            events.append(contentsOf: next)
        }
        await source.close()
        return (events, events.compactMap { if case .record(let record) = $0 { record } else { nil } })
    }

    private func parkedOrdinals(_ events: [SourceEvent]) -> [Int] {
        events.compactMap { if case .parked(let record, _, _) = $0 { record.ordinal } else { nil } }
    }

    @Test(arguments: [1, 16, 256]) func yieldsInInputOrder(concurrency: Int) async throws {
        let ids = (0..<3000).map { "user-\($0)" }
        let lookup = ScriptedLookup { userID, _, _ in
            if userID.hashValue & 7 == 0 { try await Task.sleep(for: .microseconds(500)) }
            return .absent
        }
        let source = try await LookupSource.open(
            reader: ListReader(ids), lookup: lookup, concurrency: concurrency, resume: SourceResume())
        let (events, records) = try await collect(source)
        #expect(records.map(\.ordinal) == Array(0..<3000))
        #expect(records.map(\.userID) == ids)
        #expect(records.map(\.next.offset) == (1...3000).map { UInt64($0) })
        #expect(lookup.mostUnderWay <= concurrency)
        #expect(Set(lookup.asked).count == 3000 && lookup.asked.count == 3000)
        guard case .inputEnded = events.last else { Issue.record("no end of input"); return }
    }

    /// The head stalls while the window fills: it is parked, asked again at the end, and everything else goes on.
    @Test func parksAStalledHead() async throws {
        let ids = (0..<4000).map { "user-\($0)" }
        let lookup = ScriptedLookup { userID, _, visit in
            if userID == "user-10" || userID == "user-500", visit == 1 { try await Task.sleep(for: .seconds(60)) }
            return .absent
        }
        var policy = ParkingPolicy()
        policy.parkAfter = .milliseconds(200)
        let start = ContinuousClock.now
        let source = try await LookupSource.open(
            reader: ListReader(ids), lookup: lookup, concurrency: 16, resume: SourceResume(), policy: policy)
        let (events, records) = try await collect(source)
        #expect(ContinuousClock.now - start < .seconds(50))
        #expect(parkedOrdinals(events) == [10, 500])
        #expect(records.map(\.ordinal) == (0..<4000).filter { $0 != 10 && $0 != 500 } + [10, 500])
        #expect(lookup.asked.filter { $0 == "user-10" }.count == 2)
    }

    /// With the last user stalled the window never fills; the tail rule sets it aside all the same.
    @Test func parksAStalledTail() async throws {
        let lookup = ScriptedLookup { userID, _, visit in
            if userID == "user-99", visit == 1 { try await Task.sleep(for: .seconds(60)) }
            return .absent
        }
        var policy = ParkingPolicy()
        policy.parkAfter = .milliseconds(100)
        let source = try await LookupSource.open(
            reader: ListReader((0..<100).map { "user-\($0)" }), lookup: lookup, concurrency: 8, resume: SourceResume(),
            policy: policy)
        let (events, records) = try await collect(source)
        #expect(parkedOrdinals(events) == [99])
        #expect(records.count == 100)
    }

    @Test func parksNobodyWhileCallsAreHeldOrSinksBusy() async throws {
        for busy in [false, true] {
            let lookup = ScriptedLookup { _, _, visit in
                if visit == 1 { try await Task.sleep(for: .milliseconds(600)) }
                return .absent
            }
            lookup.hold(!busy)
            var policy = ParkingPolicy()
            policy.parkAfter = .milliseconds(50)
            let source = try await LookupSource.open(
                reader: ListReader((0..<20).map { "user-\($0)" }), lookup: lookup, concurrency: 32,
                resume: SourceResume(), policy: policy, sinksWait: { !busy })
            let (events, _) = try await collect(source)
            #expect(parkedOrdinals(events).isEmpty)
        }
    }

    @Test func tooManyParkedStopTheRun() async throws {
        let lookup = ScriptedLookup { _, _, _ in
            try await Task.sleep(for: .seconds(60))
            return .absent
        }
        var policy = ParkingPolicy()
        policy.parkAfter = .milliseconds(10)
        policy.maxParked = 5
        let source = try await LookupSource.open(
            reader: ListReader((0..<20).map { "user-\($0)" }), lookup: lookup, concurrency: 32, resume: SourceResume(),
            policy: policy)
        await #expect { try await collect(source) } throws: { ($0 as? PipelineError)?.kind == .unavailable }
    }

    @Test func anErrorOfTheLookupStopsAtOnce() async throws {
        let lookup = ScriptedLookup { userID, _, _ in
            if userID == "user-50" { throw PipelineError(.permission, "forbidden") }
            try await Task.sleep(for: .seconds(60))
            return .absent
        }
        let source = try await LookupSource.open(
            reader: ListReader((0..<100).map { "user-\($0)" }), lookup: lookup, concurrency: 100,
            resume: SourceResume())
        await #expect { try await collect(source) } throws: { ($0 as? PipelineError)?.kind == .permission }
        await source.close()
    }

    @Test func recordsInFrontOfABrokenInputAreYieldedFirst() async throws {
        let lookup = ScriptedLookup { _, _, _ in .absent }
        let source = try await LookupSource.open(
            reader: ListReader((0..<100).map { "user-\($0)" }, faultAt: 70), lookup: lookup, concurrency: 4,
            resume: SourceResume())
        var seen = 0
        await #expect { while true { seen += try await source.next(limit: 10).count } } throws: {
            ($0 as? PipelineError)?.kind == .noInput
        }
        #expect(seen == 70)
        await source.close()
    }

    @Test func resumesBehindAVerifiedPrefix() async throws {
        let ids = (0..<50).map { "user-\($0)" }
        var hash = InputHash()
        for id in ids.prefix(30) { hash.append(Array(id.utf8)) }
        let progress = RunProgress(
            nextOrdinal: 30, inputEnded: false, position: Position(offset: 30, line: 30),
            parked: [ParkedRecord(ordinal: 3, position: Position(offset: 3, line: 3))], inputHash: hash.hex,
            sourceState: nil)
        let lookup = ScriptedLookup { _, _, _ in .absent }
        let source = try await LookupSource.open(
            reader: ListReader(ids), lookup: lookup, concurrency: 4, resume: SourceResume(progress: progress))
        let (_, records) = try await collect(source)
        #expect(records.map(\.ordinal) == Array(30..<50) + [3])
        #expect(records.last?.userID == "user-3")

        var changed = ids
        changed[7] = "somebody-else"
        await #expect(throws: ChangedInput.self) {
            _ = try await LookupSource.open(
                reader: ListReader(changed), lookup: lookup, concurrency: 4, resume: SourceResume(progress: progress))
        }
        await #expect(throws: ChangedInput.self) {
            _ = try await LookupSource.open(
                reader: ListReader(Array(ids.prefix(20))), lookup: lookup, concurrency: 4,
                resume: SourceResume(progress: progress))
        }
    }

    /// A sink that lags catches up with exactly the parked users of the sink ahead, whatever answers how fast now.
    @Test func catchesUpWithTheParkedSetOfTheSinkAhead() async throws {
        let ids = (0..<40).map { "user-\($0)" }
        let lookup = ScriptedLookup { userID, _, visit in
            if userID == "user-2", visit == 1 { try await Task.sleep(for: .milliseconds(400)) }
            return .absent
        }
        var ahead = RunProgress.start
        ahead.nextOrdinal = 10
        ahead.consumed = 10
        var hash = InputHash()
        for id in ids.prefix(10) { hash.append(Array(id.utf8)) }
        ahead.inputHash = hash.hex
        ahead.parked = [ParkedRecord(ordinal: 5, position: Position(offset: 5, line: 5))]
        var policy = ParkingPolicy()
        policy.parkAfter = .milliseconds(20)
        let source = try await LookupSource.open(
            reader: ListReader(ids), lookup: lookup, concurrency: 64,
            resume: SourceResume(progress: .start, ahead: ahead), policy: policy)
        let (events, records) = try await collect(source)
        #expect(parkedOrdinals(events) == [5])
        #expect(records.map(\.ordinal) == (0..<40).filter { $0 != 5 } + [5])
        #expect(lookup.asked.filter { $0 == "user-5" }.count == 1)
    }

    /// The digest of hashlib.sha256 over the lengths and bytes of "a", "" and "ünï".
    @Test func theInputHashIsTheDocumentedOne() {
        var hash = InputHash()
        #expect(hash.hex == RunProgress.start.inputHash)
        for id in ["a", "", "ünï"] { hash.append(Array(id.utf8)) }
        #expect(hash.hex == "fa220e26068b61d312bc95c16cf1f7a57db32f8240b2ddea7ec673f25f29d6ba")
    }
}
