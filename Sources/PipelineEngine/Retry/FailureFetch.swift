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

    init(
        _ runner: PipelineRunner, _ record: RunRecord, _ committer: LockstepCommitter, amending open: Set<Int>,
        isWithinRun: Bool
    ) {
        self.runner = runner
        self.record = record
        self.committer = committer
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
            runner.board.update { reading in
                reading = ProgressBoard.Reading()
                reading.runID = record.runID
            }
        }
        if !isWithinRun, let state = lanes.compactMap(\.checkpoint?.progress.sourceState).first {
            lookup.restore(state: state)
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
                // What was kept aside for the run is gone by now, so it is made again; the run's hash tells whether it is
                // the same.
                if !hasPrepared { try await runner.prepare(reader, for: record) }
                hasPrepared = true
                source = try await reread(part, reader, lookup, concurrency)
            }
            do { try await consume(source, part, lookup) } catch {
                await source.close()
                throw error
            }
            await source.close()
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

    // MARK: Committing

    private mutating func consume(
        _ source: LookupSource, _ part: FailedRecords.Part, _ lookup: any UserLookup
    ) async throws {
        let underWay = CommitUnderWay()
        runner.stop.onRequest {
            underWay.stopWaiting()
            Task { await source.close() }
        }
        defer { runner.stop.onRequest(nil) }
        var amendment = Amendment(plan, record, part, hash: source.consumedHash)
        while !runner.stop.isRequested {
            let events = try await source.next(limit: min(256, plan.batchSize))
            if events.isEmpty { break }
            for case .record(let record) in events {
                if let last = amendment.ordinals.last, record.ordinal / plan.batchSize != last / plan.batchSize {
                    try await commit(&amendment, lookup, underWay)
                }
                try amendment.take(record)
                note(record.outcome)
            }
        }
        if !runner.stop.isRequested, !amendment.ordinals.isEmpty { try await commit(&amendment, lookup, underWay) }
    }

    private mutating func commit(
        _ amendment: inout Amendment, _ lookup: any UserLookup, _ underWay: CommitUnderWay
    ) async throws {
        let batches = amendment.takeBatches(after: await committer.lanes, sourceState: lookup.state)
        underWay.begin(Task { [committer] in try await committer.commit(batches) })
        try await underWay.end()
    }

    private mutating func note(_ outcome: Outcome) {
        switch outcome {
        case .found: counts.found += 1
        case .absent: counts.absent += 1
        case .failed: counts.failed += 1
        }
        let counts = counts
        runner.board.update { [isWithinRun, failuresAtStart] reading in
            reading.processed += 1
            if isWithinRun {
                switch outcome {
                case .found: reading.failed -= 1
                case .absent:
                    reading.failed -= 1
                    reading.absent += 1
                case .failed: break
                }
            } else {
                reading.records = counts.found + counts.absent + counts.failed
                reading.failed = counts.failed
                if failuresAtStart > 0 {
                    reading.fraction = min(1, Double(reading.records + counts.left) / Double(failuresAtStart))
                }
            }
        }
    }
}
