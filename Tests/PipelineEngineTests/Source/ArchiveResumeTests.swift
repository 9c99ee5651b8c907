import Flattening
import PipelineCore
import PipelineEngine
import Testing

/// A run over an archive is taken up again wherever it was, and reads no finished file unless something has happened to one.
@Suite(.timeLimit(.minutes(2))) struct ArchiveResumeTests {
    private static func documents(_ range: Range<Int>) -> [ArchiveRecord.Content] {
        range.map { .document(Array(#"{"Id":"e-\#($0)"}"#.utf8)) }
    }

    /// All that a name may stand for, at the beginning, in the middle and at the end.
    private static let files: [ListArchive.File] = [
        .init(".hidden", leftOut: "its name begins with a dot"), .init("a", documents(0..<3)), .init("b"),
        .init("c", documents(3..<7)), .init("d", [], .junk("an image")), .init("e", [], .unreadable),
        .init("f", documents(7..<8)), .init("g", leftOut: "'exclude' names it"), .init("h", documents(8..<14)),
        .init("i"), .init("j", leftOut: "no regular file"),
    ]
    private static let recordCount = 15

    /// The batches of a process, and the files that it has opened.
    private struct Life {
        var batches: [AssembledBatch] = []
        var opened: [String] = []
    }

    private func run(
        _ files: [ListArchive.File] = files, batchSize: Int, resume: SourceResume = SourceResume(),
        shard: Shard = .whole, limit: Int? = nil
    ) async throws -> Life {
        let archive = ListArchive(files: files)
        let source = try await ArchiveRecordSource.open(
            ListedArchive.open(archive, for: shard), decoder: EndpointDecoder(), resume: resume, limit: limit)
        var assembler = BatchAssembler(
            run: RowContext(runID: "r", logicalDate: "2026-01-01T00:00:00.000Z"),
            contents: [([], .normalized(mode: .append))], batchSize: batchSize, progress: resume.progress,
            account: source.account, sourceState: { nil })
        var life = Life()
        while case let events = try await source.next(limit: assembler.room), !events.isEmpty {
            for event in events {
                if let batch = try assembler.take(event) { life.batches.append(batch) }
            }
        }
        await source.close()
        life.opened = archive.opened.take()
        return life
    }

    /// What must be the same whatever has happened; of the hash all but when files were changed.
    private func told(_ batches: some Sequence<AssembledBatch>) -> [String] {
        batches.map { batch in
            var progress = batch.progress
            progress.inputHash = progress.inputHash.split(separator: ":").prefix(2).joined(separator: ":")
            return "\(progress) \(batch.contents.map(\.counts.json)) \(batch.leftOutFiles)"
        }
    }

    private func file(of progress: RunProgress) -> Int { ArchivePlace(ordinal: progress.nextOrdinal - 1).file }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 15, 100]) func batchesAreTheSameFromAnyCheckpointOn(batchSize: Int) async throws
    {
        let whole = try await run(batchSize: batchSize)
        let batches = whole.batches
        #expect(whole.opened == ["a", "b", "c", "e", "f", "h", "i"])
        #expect(batches.last?.progress.consumed == Self.recordCount && batches.last?.progress.inputEnded == true)
        #expect(batches.dropLast().allSatisfy { $0.progress.consumed.isMultiple(of: batchSize) })
        var counts = RunCounts()
        for batch in batches { counts += batch.contents[0].counts }
        #expect(counts.files == ArchiveFileCounts(read: 6, leftOut: 4) && counts.records == Self.recordCount)
        #expect(batches.flatMap(\.leftOutFiles).map(\.name) == [".hidden", "d", "g", "j"])
        var touched = Self.files
        for index in touched.indices where touched[index].listed.leftOut == nil { touched[index].listed.modified = 9 }

        for done in batches.indices {
            let progress = batches[done].progress
            let rest = batches[(done + 1)...]
            let life = try await run(batchSize: batchSize, resume: SourceResume(progress: progress))
            #expect(told(life.batches) == told(rest), "after batch \(done)")
            #expect(life.batches.last?.progress.inputHash == (rest.isEmpty ? nil : batches.last?.progress.inputHash))
            let closed = Set(Self.files[..<file(of: progress)].map(\.listed.name))
            #expect(closed.isDisjoint(with: life.opened), "after batch \(done)")
            #expect(!progress.inputEnded || life.opened.isEmpty)

            let again = try await run(touched, batchSize: batchSize, resume: SourceResume(progress: progress))
            #expect(told(again.batches) == told(rest), "touched, after batch \(done)")
            #expect(again.opened.first == "a")

            // A sink that is one commit behind gets what the other one has, in a file before or not.
            guard let next = rest.first?.progress else { continue }
            for files in [Self.files, touched] {
                let life = try await run(
                    files, batchSize: batchSize, resume: SourceResume(progress: progress, ahead: next))
                #expect(told(life.batches) == told(rest), "one behind after batch \(done)")
            }
        }
        // And of the first commit.
        let life = try await run(
            batchSize: batchSize, resume: SourceResume(progress: .start, ahead: batches[0].progress))
        #expect(told(life.batches) == told(batches))
    }

    /// After a resume over files that were touched, the next one finds them as they are now.
    @Test func theNewStatesAreGoneOnWith() async throws {
        var touched = Self.files
        touched[1].listed.modified = 9
        let progress = try await run(batchSize: 2).batches[4].progress
        let second = try await run(touched, batchSize: 2, resume: SourceResume(progress: progress))
        #expect(second.opened.first == "a")
        let third = try await run(touched, batchSize: 2, resume: SourceResume(progress: second.batches[0].progress))
        #expect(third.opened.first == "h")
    }

    private enum Change: CaseIterable {
        case content, size, name, removed, before, between, leftOut, underWay
    }

    @Test(arguments: Change.allCases) private func whatIsNoLongerTheSame(_ change: Change) async throws {
        let batches = try await run(batchSize: 2).batches
        var files = Self.files
        switch change {
        case .content:
            files[3].contents[1] = .document(Array(#"{"Id":"x-4"}"#.utf8))
            files[3].listed.modified = 5
        case .size: files[3].listed.size += 1
        case .name: files[3].listed.name = "cc"
        case .removed: files.remove(at: 2)
        case .before: files.insert(.init("0", Self.documents(50..<51)), at: 1)
        case .between: files.insert(.init("aa", leftOut: "its name begins with a dot"), at: 2)
        case .leftOut: files[3] = .init("c", leftOut: "'exclude' names it")
        case .underWay: files[8].contents[0] = .document(Array(#"{"Id":"x-8"}"#.utf8))
        }
        // Behind 10 records the file under way is "h"; with the sink ahead two records further.
        let lagging = batches[4].progress, ahead = batches[5].progress
        #expect(file(of: lagging) == 8 && file(of: ahead) == 8)
        for resume in [
            SourceResume(progress: lagging, ahead: ahead), SourceResume(progress: batches[3].progress, ahead: lagging),
        ] {
            let error = await #expect(throws: ChangedInput.self) {
                _ = try await run(files, batchSize: 2, resume: resume)
            }
            #expect(error?.consumed == resume.ahead?.consumed)
        }
        // It is noticed as well where nothing is left to read, as far as the listing shows it.
        guard let end = batches.last?.progress, change != .underWay else { return }
        await #expect(throws: ChangedInput.self) {
            _ = try await run(files, batchSize: 2, resume: SourceResume(progress: end))
        }
    }

    /// What comes behind may be new; what was there is only compared as far as it was consumed.
    @Test func whatIsAddedBehindBelongsToTheRun() async throws {
        let batches = try await run(batchSize: 2).batches
        var files = Self.files
        files[8] = .init("h", Self.documents(8..<12))
        files.replaceSubrange(9..., with: [.init("hh", Self.documents(12..<20)), .init("k", leftOut: "empty")])
        let life = try await run(files, batchSize: 2, resume: SourceResume(progress: batches[4].progress))
        #expect(life.batches.last?.progress.consumed == 21)
        #expect(life.opened == ["h", "hh"])
    }

    @Test func whatIsAddedAfterTheEndIsTheNextRuns() async throws {
        let batches = try await run(batchSize: 4).batches
        let more = Self.files + [.init("k", Self.documents(20..<30)), .init("l", leftOut: "empty")]
        guard let end = batches.last?.progress, let before = batches.dropLast().last?.progress else { return }
        let ended = try await run(more, batchSize: 4, resume: SourceResume(progress: end))
        #expect(ended.batches.isEmpty && ended.opened.isEmpty)
        // Where one sink knows the end already, it is the other one's as well.
        let behind = try await run(more, batchSize: 4, resume: SourceResume(progress: before, ahead: end))
        #expect(told(behind.batches) == told(batches.suffix(1)))
    }

    @Test(arguments: [1, 3, 8, 14, 15, 99]) func aLimitIsResumedWithin(limit: Int) async throws {
        let whole = try await run(batchSize: 3, limit: limit).batches
        #expect(whole.last?.progress.consumed == min(limit, Self.recordCount))
        for done in whole.indices {
            let resume = SourceResume(progress: whole[done].progress)
            let life = try await run(batchSize: 3, resume: resume, limit: limit)
            #expect(told(life.batches) == told(whole[(done + 1)...]), "after batch \(done)")
        }
    }

    /// Of whole files, or, of more shards than files, of some records of each.
    @Test(arguments: [Shard(0, of: 3), Shard(1, of: 3), Shard(2, of: 3), Shard(0, of: 9), Shard(1, of: 9)])
    func aShardResumes(shard: Shard) async throws {
        let whole = try await run(batchSize: 4, shard: shard).batches
        for done in whole.indices {
            let life = try await run(
                batchSize: 4, resume: SourceResume(progress: whole[done].progress), shard: shard)
            #expect(told(life.batches) == told(whole[(done + 1)...]), "after batch \(done)")
        }
    }
}
