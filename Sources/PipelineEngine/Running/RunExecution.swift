internal import Flattening
internal import Logging
internal import PipelineCore

/// One run under way in this process: from the source through the batches to the sinks, and to its end.
struct RunExecution {
    let runner: PipelineRunner
    let record: RunRecord
    let committer: LockstepCommitter
    /// How far the run was when this process took it up; nil where it began it.
    let resumedFrom: RunProgress?
    /// The input of a run that has just begun, where it is an archive.
    private let archive: ListedArchive?
    let start: ContinuousClock.Instant = .now
    /// Where the lanes stand at the start of this process; each has a checkpoint.
    let lagging: Checkpoint
    private let leading: Checkpoint
    /// What an earlier run left behind for the source.
    private let inheritedState: String?
    private let retriesFailures: Bool
    /// What came of the failures that were fetched again; nil where none were.
    var retried: RetryCounts?
    /// When the run ended; nil until then.
    var endedAt: String?

    init(
        runner: PipelineRunner, record: RunRecord, lanes: [SinkLane], request: RunRequest,
        resumedFrom: RunProgress? = nil, archive: ListedArchive? = nil
    ) {
        self.runner = runner
        self.record = record
        self.resumedFrom = resumedFrom
        self.archive = archive
        retriesFailures = request.retriesFailures && runner.plan.source.isList
        let checkpoints = lanes.compactMap(\.checkpoint).sorted { $0.commitNumber < $1.commitNumber }
        let empty = Checkpoint(
            runID: record.runID, commitNumber: 0, progress: .start, counts: RunCounts(), fingerprint: "")
        lagging = checkpoints.first ?? empty
        leading = checkpoints.last ?? empty
        inheritedState = lanes.compactMap(\.stateAtOpen.checkpoint?.progress.sourceState).first
        committer = LockstepCommitter(
            lanes: lanes, brakes: Brakes(limits: runner.plan.limits, accepted: request.accepted),
            isOfList: runner.plan.source.isList)
    }

    /// Runs to the end, to a stop, or to an error; whatever it is, the report tells what is committed.
    ///
    /// - Throws: `ChangedInput`, nothing having been asked or committed.
    mutating func run() async throws -> RunReport {
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

    /// Deletes the spool of a faulty input, so that the next process reads the corrected one: what is committed already
    /// must then be its beginning, as with any input.
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
    private mutating func consumeSource() async throws -> PipelineError? {
        let resume = SourceResume(
            progress: lagging.progress,
            ahead: leading.progress.consumed > lagging.progress.consumed
                || leading.commitNumber > lagging.commitNumber && !lagging.progress.isFetched ? leading.progress : nil)
        let scope = InputScope(shard: runner.plan.shard, limit: runner.plan.inputLimit)
        let isStopped: @Sendable () -> Bool = { [stop = runner.stop] in stop.isRequested }
        switch runner.plan.source {
        case .lookup(let reader, let lookup, let concurrency):
            runner.board.watch(lookup)
            if let state = leading.progress.sourceState ?? inheritedState { lookup.restore(state: state) }
            try await runner.prepare(reader, for: record)
            let source: LookupSource
            do {
                source = try await LookupSource.open(
                    reader: reader, lookup: lookup, concurrency: concurrency, resume: resume, scope: scope,
                    policy: runner.parking, isStopped: isStopped,
                    sinksWait: { [busy = committer.isBusy] in !busy.isSet })
            } catch let error as ChangedInput {
                // The spool is of no use to this run: the next process reads the input anew, as it may be restored.
                // A run that begins in this one's place may need it.
                if runner.plan.onChangedInput == .refuse { await runner.releaseInput(of: record) }
                throw error
            }
            var share = InputShare()
            let error = await consume(source, account: source.account, sourceState: { lookup.state }) { position in
                share.read(to: position.offset, of: reader.inputSize)
            }
            if error == nil, await isComplete() { await runner.releaseInput(of: record) }
            return error
        case .archive(let reader, let decoder, _):
            let archive: ListedArchive
            if let listed = self.archive { archive = listed } else { archive = try await runner.list(reader) }
            // Also of a run that has just begun: another shard may have begun it at the same moment.
            do { try await runner.requireSameListing(archive, in: record) } catch {
                await archive.cursor.close()
                throw error
            }
            let source = try await ArchiveRecordSource.open(
                archive, decoder: decoder, resume: resume, limit: runner.plan.inputLimit, isStopped: isStopped)
            return await consume(source, account: source.account, sourceState: { nil }) { _ in source.fractionRead }
        }
    }

    /// Commits what a source yields, then ends the run.
    ///
    /// - Returns: What kept it from its end.
    private mutating func consume(
        _ source: any RecordSource, account: InputAccount, sourceState: @escaping @Sendable () -> String?,
        fraction: (Position) -> Double?
    ) async -> PipelineError? {
        let plan = runner.plan
        let assembler = BatchAssembler(
            run: RowContext(runID: record.runID, logicalDate: record.logicalDate, shard: plan.shard.index),
            contents: plan.rowSetOwners.map { ($0.transforms, $0.layout) }, batchSize: plan.batchSize,
            progress: lagging.progress, account: account, sourceState: sourceState)
        runner.board.begin(record.runID, at: lagging)
        // A limit ends the run before the input does.
        let limit = plan.shard.isWhole ? plan.inputLimit : nil
        let loop = CommitLoop(source: source, committer: committer, stop: runner.stop)
        var failure: (any Error)?
        do {
            try await loop.run(assembler) { [board = runner.board] in board.note($0, limit: limit, fraction: fraction) }
        } catch { failure = error }
        if runner.stop.isRequested, failure == nil || failure is CancellationError { return stopped }
        if let failure { return explained(PipelineError(describing: failure)) }
        if retriesFailures, let error = await fetchFailures() { return error }
        return await complete()
    }

    /// Asks once more for what failed, while everything can still be amended.
    private mutating func fetchFailures() async -> PipelineError? {
        let lanes = await committer.lanes
        guard lanes.contains(where: { ($0.checkpoint?.counts.failed ?? 0) + ($0.checkpoint?.counts.refused ?? 0) > 0 })
        else { return nil }
        runner.log.notice(
            "the failures of run \(record.runID) are fetched again before it ends",
            metadata: ["event": "retry", "run_id": "\(record.runID)"])
        do {
            var fetch = FailureFetch(of: self, amending: try await runner.amendable(lanes), isWithinRun: true)
            defer { retried = fetch.counts }
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

    var stopped: PipelineError {
        PipelineError(
            .temporary, "run \(record.runID) was stopped by a signal; everything committed is safe",
            hint: "Run again: it goes on where it stopped.")
    }
}
