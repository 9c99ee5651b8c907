internal import Flattening
internal import Logging
internal import PipelineCore

/// Fetches again what failed in a run: the failed records go through the same source, batches and commits as in a run.
///
/// Each commit amends the failures of as many consecutive ordinals as a batch has, together with the counts and the
/// checkpoint: what is done isn't among the failures any more, and whoever comes after a crash goes on with the rest, cut
/// into the same commits.
struct FailureFetch {
    private let runner: PipelineRunner
    private let record: RunRecord
    private let committer: LockstepCommitter
    /// The places of the sinks that can be amended.
    private let open: Set<Int>
    /// The run hasn't ended yet: its input is ready, and its progress is shown.
    private let isWithinRun: Bool
    /// In the sink that had most of them.
    private var failuresAtStart = 0
    private(set) var counts = RetryCounts()

    private var plan: RunPlan { runner.plan }

    init(of execution: RunExecution, amending open: Set<Int>, isWithinRun: Bool) {
        runner = execution.runner
        record = execution.record
        committer = execution.committer
        self.open = open
        self.isWithinRun = isWithinRun
    }

    /// - Throws: what stopped it; everything committed is safe.
    mutating func fetch() async throws {
        let lanes = await committer.lanes
        guard case .lookup(let reader, let lookup, let concurrency) = plan.source else {
            counts.left = lanes.compactMap(\.checkpoint?.counts.failed).max() ?? 0
            return
        }
        runner.board.watch(lookup)
        if !isWithinRun {
            runner.board.begin(record.runID)
            if let state = lanes.compactMap(\.checkpoint?.progress.sourceState).first { lookup.restore(state: state) }
        }
        failuresAtStart = lanes.compactMap(\.checkpoint?.counts.failed).max() ?? 0
        var failures = FailedRecords(open.sorted().map { ($0, lanes[$0].session) })
        var hasPrepared = isWithinRun
        while !runner.stop.isRequested, var part = try await failures.nextPart(runner) {
            let all = part.records.count
            part.records = part.records.compactMapValues { records in
                let fetchable = records.filter { !$0.value.isOfInput }
                return fetchable.isEmpty ? nil : fetchable
            }
            counts.left += all - part.records.count
            if part.records.isEmpty { continue }
            let source: LookupSource
            if let records = known(part) {
                source = await LookupSource.open(
                    asking: records, sourceFile: reader.sourceFile, lookup: lookup, concurrency: concurrency,
                    policy: runner.parking)
            } else {
                // The run's spool is gone by now, so it is made again; the run's hash tells whether it is the same.
                if !hasPrepared { try await runner.prepare(reader, for: record) }
                hasPrepared = true
                source = try await reread(part, reader, lookup, concurrency)
            }
            let amendment = Amendment(
                of: part, in: record, plan: plan, account: source.account, sourceState: { lookup.state })
            let loop = CommitLoop(source: source, committer: committer, stop: runner.stop)
            try await loop.run(amendment) { note($0) }
        }
    }

    /// The IDs as the sinks hold them; nil where one of them is held by no sink as it was asked for.
    private func known(_ part: FailedRecords.Part) -> [(ordinal: Int, input: InputRecord)]? {
        var records: [(ordinal: Int, input: InputRecord)] = []
        for ordinal in part.ordinals {
            let plain = part.records[ordinal]?.first { plan.sinks[$0.key].storesUserIDs && $0.value.userID != nil }
            guard let failure = plain?.value, let userID = failure.userID else { return nil }
            records.append((ordinal, InputRecord(content: .userID(userID), next: .start, line: failure.line)))
        }
        return records
    }

    /// Reads the run's input once more, to the end of what it has consumed, for the IDs at these ordinals.
    private func reread(
        _ part: FailedRecords.Part, _ reader: any UserReader, _ lookup: any UserLookup, _ concurrency: Int
    ) async throws -> LookupSource {
        guard var progress = await committer.lanes.first?.checkpoint?.progress else {
            throw PipelineError(.software, "run \(record.runID) has no checkpoint")
        }
        progress.parked = part.ordinals.map { ParkedRecord(ordinal: $0, position: .start) }
        do {
            return try await LookupSource.open(
                reader: reader, lookup: lookup, concurrency: concurrency, resume: SourceResume(progress: progress),
                scope: InputScope(shard: plan.shard), policy: runner.parking,
                isStopped: { [stop = runner.stop] in stop.isRequested })
        } catch let error as ChangedInput {
            throw PipelineError(
                .noInput,
                "the input is no longer what run \(record.runID) has read (\(error.consumed) records), and the sinks don't "
                    + "hold the failed users' IDs as they were asked for",
                hint: "Restore the input and retry, or do the run again with sluice run --fresh.")
        }
    }

    private mutating func note(_ events: [SourceEvent]) {
        let new = RetryCounts(events)
        counts += new
        if isWithinRun {
            runner.board.noteRetried(new)
        } else {
            runner.board.noteRetried(new, of: counts, failuresAtStart: failuresAtStart)
        }
    }
}
