internal import Flattening
internal import Logging
internal import PipelineCore

/// One run under way in this process: from the source through the batches to the sinks, and to its end.
struct RunExecution {
    private let runner: PipelineRunner
    private let record: RunRecord
    private let request: RunRequest
    private let resumedFrom: Int?
    private let committer: LockstepCommitter
    private let start: ContinuousClock.Instant = .now
    /// Where the lanes stand at the start of this process; each has a checkpoint.
    private let least: Checkpoint
    private let most: Checkpoint
    /// What an earlier run left behind for the source.
    private let inheritedState: String?
    /// What came of the failures that were fetched again before the run's end.
    private let retried = RetryTally()

    init(
        _ runner: PipelineRunner, _ record: RunRecord, _ lanes: [SinkLane], _ request: RunRequest, resumedFrom: Int?
    ) {
        self.runner = runner
        self.record = record
        self.request = request
        self.resumedFrom = resumedFrom
        let checkpoints = lanes.compactMap(\.checkpoint).sorted { $0.commitNumber < $1.commitNumber }
        let empty = Checkpoint(
            runID: record.runID, commitNumber: 0, progress: .start, counts: RunCounts(), fingerprint: "")
        least = checkpoints.first ?? empty
        most = checkpoints.last ?? empty
        inheritedState = lanes.compactMap(\.found.checkpoint?.progress.sourceState).first
        committer = LockstepCommitter(
            lanes: lanes, brakes: Brakes(limits: runner.plan.limits, accepted: request.accepted),
            isOfList: runner.plan.source.isList)
    }

    /// Runs to the end, to a stop, or to an error; whatever it is, the report tells what is committed.
    ///
    /// - Throws: `ChangedInput`, nothing having been asked or committed.
    func run() async throws -> RunReport {
        var error: PipelineError?
        do {
            error = try await consumeSource()
        } catch let changed as ChangedInput {
            throw changed
        } catch is CancellationError {
            error = stopped
        } catch let failure {
            error = PipelineError(describing: failure)
        }
        if let error { await giveBackInput(after: error) }
        return await report(error: error)
    }

    /// Lets go of what was kept aside of an input that is wrong, so that the next process reads it mended: what is
    /// committed already must then be its beginning, as with any input.
    private func giveBackInput(after error: PipelineError) async {
        let isUntouched = await committer.lanes.allSatisfy { ($0.checkpoint?.commitNumber ?? 0) == 0 }
        let isWrong =
            switch error.kind {
            case .noInput: true
            case .configuration: isUntouched
            case .brake: isUntouched && runner.board.current.records == 0
            default: false
            }
        if isWrong { await runner.releaseInput(of: record) }
    }

    /// Opens the source and commits what it yields.
    ///
    /// - Throws: what keeps the source from being opened.
    private func consumeSource() async throws -> PipelineError? {
        let resume = SourceResume(
            progress: least.progress,
            ahead: most.progress.nextOrdinal > least.progress.nextOrdinal
                || most.commitNumber > least.commitNumber && !least.progress.isFetched ? most.progress : nil)
        let scope = InputScope(shard: runner.plan.shard, limit: runner.plan.inputLimit)
        let isStopped: @Sendable () -> Bool = { [stop = runner.stop] in stop.isRequested }
        switch runner.plan.source {
        case .lookup(let reader, let lookup, let concurrency):
            runner.board.watch(lookup)
            if let state = most.progress.sourceState ?? inheritedState { lookup.restore(state: state) }
            try await runner.prepare(reader, for: record)
            let source: LookupSource
            do {
                source = try await LookupSource.open(
                    reader: reader, lookup: lookup, concurrency: concurrency, resume: resume, scope: scope,
                    policy: runner.parking, isStopped: isStopped,
                    sinksWait: { [busy = committer.isBusy] in !busy.isSet })
            } catch let error as ChangedInput {
                // What was kept aside is of no use to this run: the next process takes the input anew, as it may be restored.
                // A run that begins in this one's place may need it.
                if runner.plan.onChangedInput == .refuse { await runner.releaseInput(of: record) }
                throw error
            }
            var share = InputShare()
            let error = await consume(source, hash: source.consumedHash, sourceState: { lookup.state }) { position in
                share.read(to: position.offset, of: reader.inputSize)
            }
            if error == nil, await isComplete() { await runner.releaseInput(of: record) }
            return error
        case .archive(let reader, let decoder, _):
            let source = try await ArchiveRecordSource.open(
                reader: reader, decoder: decoder, resume: resume, scope: scope, isStopped: isStopped)
            return await consume(source, hash: source.consumedHash, files: source.files, sourceState: { nil }) { _ in
                source.fractionRead
            }
        }
    }

    private func isComplete() async -> Bool { await committer.lanes.allSatisfy { $0.end == .complete } }

    private func consume(
        _ source: any RecordSource, hash: InputHash, files: ArchiveFileCounts? = nil,
        sourceState: @escaping @Sendable () -> String?,
        fraction: (Position) -> Double?
    ) async -> PipelineError? {
        let plan = runner.plan
        var contents: [Int: (transforms: [any Transform], layout: Layout)] = [:]
        for sink in plan.sinks { contents[sink.content] = (sink.transforms, sink.layout) }
        var assembler = BatchAssembler(
            run: RowContext(runID: record.runID, logicalDate: record.logicalDate, shard: plan.shard.index),
            contents: contents.sorted { $0.key < $1.key }.map(\.value), batchSize: plan.batchSize,
            progress: least.progress, hash: hash, sourceState: sourceState)
        runner.board.update { reading in
            reading = ProgressBoard.Reading()
            reading.runID = record.runID
            reading.files = files
            reading.records = least.counts.records
            reading.failed = least.counts.failed
            reading.absent = least.counts.absent
            reading.parked = least.progress.parked.count
        }
        let stop = runner.stop
        let underWay = CommitUnderWay()
        stop.onRequest {
            underWay.stopWaiting()
            Task { await source.close() }
        }
        defer { stop.onRequest(nil) }
        var commits = CommitPipeline(
            committer: committer, number: least.commitNumber, source: source, underWay: underWay)
        var failure: (any Error)?
        do {
            while !stop.isRequested {
                let events = try await source.next(limit: min(256, assembler.room))
                if events.isEmpty { break }
                note(events, fraction)
                for event in events {
                    if let batch = try assembler.take(event) { try await commits.submit(batch) }
                }
            }
            if !stop.isRequested, let batch = assembler.takeRest() { try await commits.submit(batch) }
        } catch { failure = error }
        // The commit at hand is finished, whatever ended the loop; its own error explains the rest.
        do { try await commits.drain() } catch { failure = error }
        await source.close()
        if stop.isRequested, failure == nil || failure is CancellationError {
            return stopped
        }
        if let failure { return explained(PipelineError(describing: failure)) }
        if request.retriesFailures, plan.source.isList, let error = await fetchFailures() { return error }
        stop.onRequest { underWay.stopWaiting() }
        return await complete(underWay)
    }

    /// Asks once more for what failed, while everything can still be amended.
    private func fetchFailures() async -> PipelineError? {
        let lanes = await committer.lanes
        guard lanes.contains(where: { ($0.checkpoint?.counts.failed ?? 0) + ($0.checkpoint?.counts.refused ?? 0) > 0 })
        else { return nil }
        runner.log.notice(
            "the failures of run \(record.runID) are fetched again before it ends",
            metadata: ["event": "retry", "run_id": "\(record.runID)"])
        do {
            var fetch = FailureFetch(
                runner, record, committer, amending: try await runner.amendable(lanes), isWithinRun: true)
            defer { retried.set(fetch.counts) }
            try await fetch.fetch()
        } catch is CancellationError {
            return stopped
        } catch {
            return runner.stop.isRequested ? stopped : PipelineError(describing: error)
        }
        return runner.stop.isRequested ? stopped : nil
    }

    /// A brake with what failed most often: the rows that would say so aren't committed.
    private func explained(_ error: PipelineError) -> PipelineError {
        let codes = runner.board.current.failureCodes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard error.kind == .brake, !codes.isEmpty else { return error }
        var error = error
        let most = codes.prefix(3).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        error.hint = "Failed in this process: \(most). " + (error.hint ?? "")
        return error
    }

    private var stopped: PipelineError {
        PipelineError(
            .temporary, "run \(record.runID) was stopped by a signal; everything committed is safe",
            hint: "Run again: it goes on where it stopped.")
    }

    private func note(_ events: [SourceEvent], _ fraction: (Position) -> Double?) {
        runner.board.update { reading in
            var last: Position?
            for event in events {
                switch event {
                case .record(let record):
                    reading.records += 1
                    reading.processed += 1
                    switch record.outcome {
                    case .found: break
                    case .absent: reading.absent += 1
                    case .failed(let failure):
                        reading.failed += 1
                        reading.failureCodes[failure.code, default: 0] += 1
                    }
                    last = record.next
                case .parked(_, let next, _):
                    reading.parked += 1
                    last = next
                case .skipped(let next, _): last = next
                case .inputEnded: break
                }
            }
            if let last, let fraction = fraction(last) { reading.fraction = fraction }
            // A limit ends the run before the input does.
            if let limit = runner.plan.inputLimit, limit > 0, runner.plan.shard.isWhole {
                reading.fraction = min(1, max(reading.fraction ?? 0, Double(reading.records) / Double(limit)))
            }
        }
    }

    /// Checks that every record is accounted for once, then ends the run in every sink.
    private func complete(_ underWay: CommitUnderWay) async -> PipelineError? {
        for lane in await committer.lanes {
            guard let checkpoint = lane.checkpoint else { continue }
            let progress = checkpoint.progress
            guard progress.inputEnded, progress.parked.isEmpty,
                checkpoint.counts.records + checkpoint.counts.otherShards == progress.nextOrdinal
            else {
                return PipelineError(
                    .software,
                    "the account of sink '\(lane.name)' doesn't balance: \(progress.nextOrdinal) records were read, "
                        + "\(checkpoint.counts.records) have an outcome, \(checkpoint.counts.otherShards) are other shards', "
                        + "\(progress.parked.count) are parked",
                    hint: "This is a fault of sluice. The run isn't marked complete; what is committed is safe.")
            }
        }
        let finishedAt = runner.now().text
        underWay.begin(
            Task { [committer, publishes = runner.plan.inputLimit == nil] in
                try await committer.complete(finishedAt: finishedAt, publishes: publishes)
            })
        do { try await underWay.end() } catch {
            return error is CancellationError ? stopped : PipelineError(describing: error)
        }
        return nil
    }

    /// Publishes a `replace` that waits, if its failures are accepted by now.
    func settle() async -> RunReport {
        let underWay = CommitUnderWay()
        runner.stop.onRequest { underWay.stopWaiting() }
        let error = await complete(underWay)
        runner.stop.onRequest(nil)
        if error == nil, await isComplete() { await runner.releaseInput(of: record) }
        return await report(error: error)
    }

    func report(error: PipelineError?) async -> RunReport {
        let lanes = await committer.lanes
        let ends = lanes.map { $0.end ?? .running }
        let counts = runner.plan.withAllTables(lanes.first?.checkpoint?.counts ?? RunCounts())
        var summary = RunSummary(
            runID: record.runID, logicalDate: record.logicalDate,
            state: [.running, .unpublished].first(where: ends.contains) ?? .complete,
            counts: counts,
            statistics: runner.plan.source.lookup?.statistics ?? LookupStatistics(), elapsed: .now - start,
            processed: counts.records - least.counts.records,
            resumedFrom: resumedFrom,
            files: runner.board.current.files,
            sinks: lanes.map { lane in
                RunSummary.SinkSummary(
                    name: lane.name, type: lane.typeName, target: lane.target, mode: lane.mode,
                    nextOrdinal: lane.checkpoint?.progress.nextOrdinal ?? 0, state: lane.end ?? .running,
                    counts: lane.checkpoint?.counts ?? RunCounts())
            })
        summary.retried = retried.current
        summary.shortcoming = Shortcoming.text(of: summary, runner.plan)
        return RunReport(
            summary: summary, error: error,
            completionCode: runner.completionCode(lanes.compactMap(\.checkpoint?.counts), ends: ends))
    }
}
