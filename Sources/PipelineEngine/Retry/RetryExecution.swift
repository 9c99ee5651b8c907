internal import Flattening
internal import Logging
internal import PipelineCore

/// One retry under way in this process: the failed records go through the same source, batches and commits as in a run.
///
/// Each commit amends as many records as a batch has, together with their rows of failures, the counts and the checkpoint:
/// what is done isn't among the failures any more, and whoever comes after a crash goes on with the rest.
struct RetryExecution {
    private let runner: PipelineRunner
    private let record: RunRecord
    private let accepted: Set<AcceptedBrake>
    private let committer: LockstepCommitter
    /// The places of the sinks that can be amended.
    private let open: Set<Int>
    private let start: ContinuousClock.Instant = .now
    private var counts = RetryCounts()
    /// Failures at the start.
    private var failuresAtStart = 0

    private var plan: RunPlan { runner.plan }

    init(
        _ runner: PipelineRunner, _ record: RunRecord, _ lanes: [SinkLane], amending open: Set<Int>,
        _ accepted: Set<AcceptedBrake>
    ) {
        self.runner = runner
        self.record = record
        self.open = open
        // A retry brings no new failures and reads no input. What the run was let pass with is no reason to stop now.
        let brakes = Brakes(limits: runner.plan.limits)
        let passed = lanes.compactMap(\.checkpoint).map { brakes.passed(by: $0.counts) }
        self.accepted = passed.reduce(accepted.union([.failed, .empty])) { $0.union($1) }
        committer = LockstepCommitter(
            lanes: lanes, brakes: Brakes(limits: runner.plan.limits, accepted: self.accepted))
    }

    mutating func run() async -> RunReport {
        var failure: PipelineError?
        do { try await fetch() } catch is CancellationError { failure = stopped } catch {
            failure = runner.stop.isRequested ? stopped : PipelineError(describing: error)
        }
        if failure == nil, runner.stop.isRequested { failure = stopped }
        // The rest is what a run does at its end: the account is checked, and what waits is published.
        let execution = RunExecution(
            runner, record, await committer.lanes, RunRequest(accepted: accepted), resumedFrom: nil)
        var report = if let failure { await execution.report(error: failure) } else { await execution.settle() }
        report.summary?.retried = counts
        report.summary?.elapsed = .now - start
        report.summary?.processed = counts.found + counts.absent + counts.failed
        if counts.left > 0, report.exitCode != 0, report.error == nil { runner.log.warning("\(remainder)") }
        return report
    }

    private var remainder: String {
        switch plan.source {
        case .archive:
            "\(counts.left) failures are an archive's records: they can't be fetched. Mend the archive and run again"
        case .lookup:
            "\(counts.left) failures are of records without a usable ID: they can't be fetched. Mend the input and run again"
        }
    }

    private var stopped: PipelineError {
        PipelineError(
            .temporary, "the retry of run \(record.runID) was stopped by a signal; everything committed is safe",
            hint: "Retry again: it goes on with what is left.")
    }

    // MARK: Fetching

    private mutating func fetch() async throws {
        let lanes = await committer.lanes
        guard case .lookup(let reader, let lookup, let concurrency) = plan.source else {
            counts.left = lanes.compactMap(\.checkpoint?.counts.failed).max() ?? 0
            return
        }
        runner.board.watch(lookup)
        runner.board.update { reading in
            reading = ProgressBoard.Reading()
            reading.runID = record.runID
        }
        if let state = lanes.compactMap(\.checkpoint?.progress.sourceState).first { lookup.restore(state: state) }
        failuresAtStart = lanes.compactMap(\.checkpoint?.counts.failed).max() ?? 0
        var failures = FailedRecords(open.sorted().map { ($0, lanes[$0].session) })
        var hasPrepared = false
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
            let events = try await source.next(limit: min(256, plan.batchSize - amendment.ordinals.count))
            if events.isEmpty { break }
            for case .record(let record) in events {
                try amendment.take(record)
                note(record.outcome)
            }
            if amendment.ordinals.count == plan.batchSize { try await commit(&amendment, lookup, underWay) }
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
        let failed = counts.failed
        let all = counts.found + counts.absent + counts.failed
        let share = failuresAtStart > 0 ? min(1, Double(all + counts.left) / Double(failuresAtStart)) : nil
        runner.board.update { reading in
            reading.records = all
            reading.processed = all
            reading.failed = failed
            reading.fraction = share
        }
    }
}
