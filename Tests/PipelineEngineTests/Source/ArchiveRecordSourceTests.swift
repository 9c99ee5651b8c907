import PipelineCore
import PipelineEngine
import Testing

@Suite(.timeLimit(.minutes(2))) struct ArchiveRecordSourceTests {
    private func document(_ number: Int) -> ArchiveRecord.Content { .document(Array(#"{"Id":"e-\#(number)"}"#.utf8)) }

    private func open(
        _ archive: ListArchive, resume: SourceResume = SourceResume(), shard: Shard = .whole, limit: Int? = nil
    ) async throws -> ArchiveRecordSource {
        try await ArchiveRecordSource.open(
            ListedArchive.open(archive, for: shard), decoder: EndpointDecoder(), resume: resume, limit: limit)
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

    /// Of one file under way.
    private func hash(_ contents: ArraySlice<ArchiveRecord.Content>) -> String {
        var account = InputAccount.ofArchive
        for case .document(let bytes) in contents { account.append(bytes) }
        return account.text
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
            while true { count += records(try await source.next(limit: 64)).count }
        } catch { #expect(error as? PipelineError == PipelineError(.noInput, "broken archive")) }
        #expect(count == 600)
        await source.close()
    }

    @Test(arguments: [0, 1, 255, 256, 300, 999]) func goesOnBehindAVerifiedPrefix(done: Int) async throws {
        let contents = (0..<1000).map(document)
        var progress = RunProgress.start
        progress.nextOrdinal = done
        progress.consumed = done
        progress.inputHash = hash(contents[..<done])
        let source = try await open(ListArchive(contents), resume: SourceResume(progress: progress))
        #expect(records(try await collect(source)).map(\.ordinal) == Array(done..<1000))
        #expect(source.account.text == progress.inputHash)
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
        behind.consumed = 20
        behind.inputHash = hash(contents[..<20])
        var ahead = behind
        ahead.nextOrdinal = 33
        ahead.consumed = 33
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
            #expect(events.count == 103, "each record, the file's two ends, the input's end")
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

    /// Every name has a number, also what is left out, and a file's records are counted in it.
    @Test func ordinalsGoByFiles() async throws {
        let archive = ListArchive(files: [
            .init(".hidden", leftOut: "its name begins with a dot"), .init("a", [document(0), document(1)]), .init("b"),
            .init("c", [document(2)], .junk("an image")), .init("d", [], .unreadable), .init("e", [document(3)]),
            .init("f", leftOut: "'exclude' names it"),
        ])
        for limit in [1, 2, 100] {
            let source = try await open(archive)
            let events = try await collect(source, limit: limit)
            #expect(records(events).map(\.ordinal) == [1 << 32, 1 << 32 + 1, 4 << 32, 5 << 32])
            await source.close()
        }
        func ordinals(_ shard: Shard) async throws -> [Int] {
            let source = try await open(archive, shard: shard)
            let found = records(try await collect(source)).map(\.ordinal)
            await source.close()
            return found
        }
        #expect(try await ordinals(Shard(0, of: 2)) == [1 << 32, 1 << 32 + 1, 4 << 32], "a, the largest, and d")
        #expect(try await ordinals(Shard(1, of: 2)) == [5 << 32], "c and e")
        // More shards than files: by the record's number in its file.
        #expect(try await ordinals(Shard(0, of: 6)) == [1 << 32, 4 << 32, 5 << 32])
        #expect(try await ordinals(Shard(1, of: 6)) == [1 << 32 + 1])
    }

    /// Files are dealt out the largest first, and opened by their shard alone.
    @Test func shardsHaveWholeFiles() async throws {
        let sizes = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
        let files = sizes.enumerated().map { number, size in
            ListArchive.File(String(UnicodeScalar(UInt8(97 + number))), (0..<size).map(document))
        }
        // By hand: f 9 | h 6 | e 5; i, k and c make it 13 | 11 | 10; a, j, g 15 | 14 | 13; b and d 15 | 15 | 14.
        let expected = [["c", "f", "g"], ["d", "h", "j", "k"], ["a", "b", "e", "i"]]
        for index in 0..<3 {
            let archive = ListArchive(files: files)
            let source = try await open(archive, shard: Shard(index, of: 3))
            _ = try await collect(source)
            #expect(archive.opened.take() == expected[index])
            await source.close()
        }
    }

    @Test func moreThanCanBeNumberedIsRefused() async throws {
        var bounds = ArchiveBounds()
        #expect(bounds.files == 2_097_152 && bounds.records == 4_294_967_296)
        bounds.files = 2
        bounds.records = 3
        let files = ["a", "b", "c"].map { ListArchive.File($0, (0..<3).map(document)) }
        let error = await #expect(throws: PipelineError.self) {
            _ = try await ListedArchive.open(ListArchive(files: files), bounds: bounds)
        }
        #expect(error?.kind == .noInput)
        #expect(error?.message == "the archive has 3 names, more than the 2 that can be numbered")
        bounds.files = 3
        let fitting = try await ListedArchive.open(ListArchive(files: files), bounds: bounds)
        let whole = try await ArchiveRecordSource.open(fitting, decoder: EndpointDecoder(), resume: SourceResume())
        #expect(records(try await collect(whole)).count == 9)
        await whole.close()
        let larger = [files[0], ListArchive.File("b", (0..<4).map(document))]
        let source = try await ArchiveRecordSource.open(
            ListedArchive.open(ListArchive(files: larger), bounds: bounds), decoder: EndpointDecoder(),
            resume: SourceResume())
        var count = 0
        do {
            while case let events = try await source.next(limit: 10), !events.isEmpty { count += records(events).count }
            Issue.record("it isn't refused")
        } catch let error as PipelineError {
            #expect(error.kind == .noInput && error.message.hasPrefix("b has more than 3 records"))
        }
        #expect(count == 6, "what stands before comes first")
        await source.close()
    }
}
