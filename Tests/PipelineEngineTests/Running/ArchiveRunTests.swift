import PipelineCore
import PipelineEngine
import Testing

/// Runs over an archive of several files.
@Suite(.timeLimit(.minutes(2))) struct ArchiveRunTests {
    private static let files =
        (0..<4).map { file in
            ListArchive.File(
                "part-\(file)", (0..<12).map { .document(Array(#"{"Id":"e-\#(file)-\#($0)"}"#.utf8)) })
        } + [ListArchive.File("skipped", leftOut: "'exclude' names it")]

    private func pipeline(_ modes: [WriteMode]) -> TestPipeline {
        var pipeline = TestPipeline(modes, ids: [], answer: TestPipeline.everybody)
        pipeline.archive = ListArchive(files: Self.files)
        return pipeline
    }

    private func breaking(_ store: MemoryStore, at step: MemoryStore.Step) {
        store.failing { if $0 == step { throw PipelineError(.ioError, "no space left on device") } }
    }

    /// A sink fails in the middle, in a file or between two, and catches up.
    @Test(arguments: 1...5, 0..<2) func aRunIsTakenUpWhereItWas(commit: Int, victim: Int) async {
        let whole = pipeline([.merge, .append])
        let report = await whole.run()
        #expect(report.exitCode == 0 && report.summary?.counts.records == 48)
        #expect(report.summary?.counts.files == ArchiveFileCounts(read: 4, leftOut: 1))
        #expect(report.summary?.sinks.map(\.nextOrdinal) == [3 << 32 + 12, 3 << 32 + 12])
        #expect(report.summary?.sinks.map(\.consumed) == [48, 48])
        let trial = pipeline([.merge, .append])
        breaking(trial.stores[victim], at: .commit(commit))
        let broken = await trial.run()
        #expect(broken.error?.kind == .ioError)
        trial.stores[victim].failing(nil)
        _ = trial.archive?.opened.take()
        let resumed = await trial.run()
        #expect(resumed.exitCode == 0 && resumed.summary?.resumedFrom?.consumed == 10 * (commit - 1))
        #expect(resumed.summary?.counts.files == ArchiveFileCounts(read: 4, leftOut: 1))
        // The last record of the sink that lags.
        let first = max(0, 10 * (commit - 1) - 1) / 12
        #expect(trial.archive?.opened.take() == (first..<4).map { "part-\($0)" })
        for (store, right) in zip(trial.stores, whole.stores) {
            #expect(store.current.rows == right.current.rows)
            #expect(store.current.checkpoint == right.current.checkpoint)
        }
    }

    @Test func theListingIsNotedWithTheRun() async {
        let first = pipeline([.merge, .append])
        await first.run()
        let hashes = first.stores.map { $0.current.lastRun?.listingHash }
        #expect(hashes[0]?.count == 64 && hashes[0] == hashes[1])
        var second = pipeline([.merge])
        second.archive?.files[1].listed.size += 1
        await second.run()
        #expect(second.stores[0].current.lastRun?.listingHash != hashes[0])
        let list = TestPipeline([.merge], ids: TestPipeline.ids(0..<3), answer: TestPipeline.everybody)
        await list.run()
        #expect(list.stores[0].current.lastRun?.state == .complete)
        #expect(list.stores[0].current.lastRun?.listingHash == nil)
        #expect(list.stores[0].current.checkpoint?.counts.files == nil)
    }

    /// 0.1 counted records through all files.
    @Test func aRunOfTheFirstFormIsRefused() async {
        let pipeline = pipeline([.merge])
        let store = pipeline.stores[0]
        breaking(store, at: .commit(3))
        await pipeline.run()
        store.failing(nil)
        store.update { content in
            for key in content.ledgers.keys {
                content.ledgers[key]?.checkpoint?.progress.inputHash = String(repeating: "a", count: 64)
                for run in content.ledgers[key]?.runs.keys ?? [:].keys {
                    content.ledgers[key]?.runs[run]?.version = "0.1.0"
                }
            }
        }
        _ = pipeline.archive?.opened.take()
        let before = store.current.ledgers
        let refused = await pipeline.run()
        #expect(refused.exitCode == 78)
        #expect(refused.error?.message.contains("was begun by version 0.1.0") == true)
        #expect(refused.error?.hint?.contains("--fresh") == true)
        #expect(store.current.ledgers == before && pipeline.archive?.opened.take() == [])
        #expect(await pipeline.run(RunRequest(fresh: true)).exitCode == 0)
        #expect(store.rows("endpoints").count == 48)
    }

    /// One that has committed nothing holds nothing of any form.
    @Test func aRunThatHasCommittedNothingGoesOn() async {
        let pipeline = pipeline([.merge])
        breaking(pipeline.stores[0], at: .commit(1))
        await pipeline.run()
        pipeline.stores[0].failing(nil)
        #expect(await pipeline.run().exitCode == 0)
    }

    @Test func whatHasChangedIsRefused() async {
        var pipeline = pipeline([.merge])
        breaking(pipeline.stores[0], at: .commit(4))
        await pipeline.run()
        pipeline.stores[0].failing(nil)
        pipeline.archive?.files[0].contents.removeLast()
        pipeline.archive?.files[0].listed.modified = 7
        #expect(await pipeline.run().exitCode == 66)
        pipeline.onChangedInput = .restart
        pipeline.millisecondsLater = 10_000
        #expect(await pipeline.run().exitCode == 0)
        #expect(pipeline.stores[0].rows("endpoints").count == 48)
    }
}
