import PipelineCore
import PipelineEngine
import Testing

@Suite(.timeLimit(.minutes(2))) struct ArchiveRecordSourceTests {
    private func document(_ number: Int) -> ArchiveRecord.Content { .document(Array(#"{"Id":"e-\#(number)"}"#.utf8)) }

    private func open(
        _ archive: ListArchive, resume: SourceResume = SourceResume(), shard: Shard = .whole, limit: Int? = nil
    ) async throws -> ArchiveRecordSource {
        try await ArchiveRecordSource.open(
            reader: archive, decoder: EndpointDecoder(), resume: resume, scope: InputScope(shard: shard, limit: limit))
    }

    private func collect(_ source: ArchiveRecordSource, limit: Int = 100) async throws -> [SourceEvent] {
        var events: [SourceEvent] = []
        while true {
            let next = try await source.next(limit: limit)
            #expect(next.count <= limit)
            if next.isEmpty { return events }
            events.append(contentsOf: next)
        }
    }

    private func records(_ events: [SourceEvent]) -> [SourceRecord] {
        events.compactMap { if case .record(let record) = $0 { record } else { nil } }
    }

    private func hash(_ contents: ArraySlice<ArchiveRecord.Content>) -> String {
        var hash = InputHash()
        for case .document(let bytes) in contents { hash.append(bytes) }
        return hash.hex
    }

    @Test(arguments: [1, 7, 1000]) func yieldsInInputOrder(limit: Int) async throws {
        let source = try await open(ListArchive((0..<3000).map(document)))
        let events = try await collect(source, limit: limit)
        let found = records(events)
        #expect(found.map(\.ordinal) == Array(0..<3000))
        #expect(found.map(\.origin.line) == Array(1...3000))
        for (number, record) in found.enumerated() {
            guard case .found(let tape) = record.outcome else {
                Issue.record("record \(number) isn't found")
                return
            }
            #expect(tape.endpoints.first?["Id"]?.text == "e-\(number)")
        }
        guard case .inputEnded = events.last else { Issue.record("no end of input"); return }
        #expect(source.fractionRead == 1)
        await source.close()
    }

    @Test func faultsAreRecordsWithTheirPlace() async throws {
        let fault = InputFault(code: .damagedFile, message: "line 2: is cut off", raw: [1])
        let source = try await open(ListArchive([document(0), .fault(fault), .document(Array("nonsense".utf8))]))
        let failures = records(try await collect(source)).compactMap { record -> RecordFailure? in
            if case .failed(let failure) = record.outcome { failure } else { nil }
        }
        #expect(failures.map(\.code) == ["DamagedFile", "MalformedRecord"])
        #expect(failures.map(\.message) == ["line 2: is cut off", "line 3: no JSON"])
        #expect(failures.last?.raw == Array("nonsense".utf8))
        await source.close()
    }

    /// What was read in front of a fault of the reader comes first.
    @Test func anErrorFollowsTheRecordsInFrontOfIt() async throws {
        let source = try await open(ListArchive((0..<700).map(document), faultAt: 600))
        var count = 0
        do {
            while true { count += try await source.next(limit: 64).count }
        } catch { #expect(error as? PipelineError == PipelineError(.noInput, "broken archive")) }
        #expect(count == 600)
        await source.close()
    }

    @Test(arguments: [0, 1, 255, 256, 300, 999]) func goesOnBehindAVerifiedPrefix(done: Int) async throws {
        let contents = (0..<1000).map(document)
        var progress = RunProgress.start
        progress.nextOrdinal = done
        progress.inputHash = hash(contents[..<done])
        let source = try await open(ListArchive(contents), resume: SourceResume(progress: progress))
        #expect(records(try await collect(source)).map(\.ordinal) == Array(done..<1000))
        #expect(source.consumedHash.hex == progress.inputHash)
        await source.close()
        guard done > 0 else { return }
        progress.inputHash = hash(contents[1...done])
        let changed = SourceResume(progress: progress)
        await #expect(throws: ChangedInput.self) { _ = try await open(ListArchive(contents), resume: changed) }
    }

    /// A sink is ahead and says where the input ended: what has been added since is the next run's.
    @Test func theSinkAheadSaysWhereTheInputEnded() async throws {
        let contents = (0..<50).map(document)
        var behind = RunProgress.start
        behind.nextOrdinal = 20
        behind.inputHash = hash(contents[..<20])
        var ahead = behind
        ahead.nextOrdinal = 33
        ahead.inputHash = hash(contents[..<33])
        ahead.inputEnded = true
        let source = try await open(ListArchive(contents), resume: SourceResume(progress: behind, ahead: ahead))
        #expect(records(try await collect(source)).map(\.ordinal) == Array(20..<33))
        await source.close()
    }

    @Test func shardsTogetherAreTheWhole() async throws {
        var ordinals: [Int] = []
        for index in 0..<3 {
            let source = try await open(ListArchive((0..<100).map(document)), shard: Shard(index, of: 3))
            let events = try await collect(source)
            #expect(events.count == 101)
            ordinals += records(events).map(\.ordinal)
            await source.close()
        }
        #expect(ordinals.sorted() == Array(0..<100))
    }

    @Test(arguments: [1, 99, 100, 101]) func aLimitEndsTheInput(limit: Int) async throws {
        let source = try await open(ListArchive((0..<100).map(document)), limit: limit)
        #expect(records(try await collect(source)).count == min(limit, 100))
        await source.close()
    }

    /// Closing ends a consumer that waits.
    @Test func closingEndsTheWait() async throws {
        let source = try await open(ListArchive((0..<100_000).map(document)))
        let consumer = Task { while try await !source.next(limit: 10).isEmpty {} }
        try await Task.sleep(for: .milliseconds(5))
        await source.close()
        switch await consumer.result {
        case .success: break
        case .failure(let error): #expect(error is CancellationError)
        }
    }
}
