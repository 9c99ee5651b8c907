internal import Logging
internal import PipelineCore
internal import StoreFormat

/// How a run is begun, and taken up again.
extension PipelineRunner {
    /// Begins a run in every sink, and does it.
    ///
    /// - Parameters:
    ///   - abandoning: Unfinished runs that it takes the place of.
    ///   - keepsInput: Their input's spool is this run's as well.
    func begin(
        _ date: Timestamp, abandoning: Set<String>, keepsInput: Bool = false, _ request: RunRequest,
        _ sinks: [SinkLane]
    ) async throws -> RunReport {
        var date = date
        if request.logicalDate == nil {
            while try await isTaken(RunDecision.runID(plan.pipeline, date), in: sinks) { date = date.next }
        }
        var archive: ListedArchive?
        if case .archive(let reader, _, _) = plan.source { archive = try await list(reader) }
        let record = RunRecord(
            runID: RunDecision.runID(plan.pipeline, date), state: .running, logicalDate: date.text,
            startedAt: now().text, version: plan.version, listingHash: archive?.hash)
        let lanes: [SinkLane]
        do {
            if let archive { try await requireSameListing(archive, in: record) }
            lanes = try await begin(record, abandoning: abandoning, keepsInput: keepsInput, request, sinks)
        } catch {
            await archive?.cursor.close()
            throw error
        }
        log.notice("run \(record.runID) begins", metadata: ["event": "begin", "run_id": "\(record.runID)"])
        var execution = RunExecution(runner: self, record: record, lanes: lanes, request: request, archive: archive)
        do { return try await execution.run() } catch let error as ChangedInput {
            throw PipelineError(.noInput, "the input changed while it was read (\(error.consumed) records)")
        }
    }

    /// Begins a run in every sink.
    private func begin(
        _ record: RunRecord, abandoning: Set<String>, keepsInput: Bool, _ request: RunRequest, _ sinks: [SinkLane]
    ) async throws -> [SinkLane] {
        var lanes = sinks
        // Given up everywhere before it begins anywhere: a process that dies in between leaves sinks that agree.
        for lane in lanes {
            guard let last = lane.stateAtOpen.lastRun, abandoning.contains(last.runID) else { continue }
            log.log(
                level: request.fresh || last.state != .unpublished ? .notice : .warning,
                "run \(last.runID) is given up\(reason(last, request)); run \(record.runID) takes its place",
                metadata: ["sink": "\(lane.name)"])
            try await untilStopped { try await lane.session.abandonRun(last.runID) }
            if !keepsInput { await releaseInput(of: last) }
        }
        for index in lanes.indices { lanes[index].checkpoint = try await begin(record, in: lanes[index]) }
        return lanes
    }

    private func reason(_ run: RunRecord, _ request: RunRequest) -> String {
        if request.fresh { return "" }
        return switch run.state {
        case .unpublished: ", which was never published because of what failed in it"
        default: run.counts.records == 0 ? ", which had committed nothing" : ""
        }
    }

    private func begin(_ record: RunRecord, in lane: SinkLane) async throws -> Checkpoint {
        try await untilStopped { try await lane.session.begin(record, fingerprint: lane.fingerprint) }
    }

    private func isTaken(_ runID: String, in sinks: [SinkLane]) async throws -> Bool {
        try await untilStopped {
            for sink in sinks where try await sink.session.run(withID: runID) != nil { return true }
            return false
        }
    }

    /// Goes on with a run, or begins it in the sinks that don't have it yet.
    func resume(_ record: RunRecord, _ request: RunRequest, _ sinks: [SinkLane]) async throws -> RunReport {
        try requireKnownForm(of: record, sinks)
        var lanes = sinks
        for index in lanes.indices {
            if let last = lanes[index].stateAtOpen.lastRun, last.isSameExecution(as: record), last.state != .abandoned {
                lanes[index].checkpoint = lanes[index].stateAtOpen.checkpoint
                lanes[index].end = last.state == .running ? nil : last.state
            } else {
                var fresh = record
                fresh.counts = RunCounts()
                lanes[index].checkpoint = try await begin(fresh, in: lanes[index])
            }
        }
        let progress = lanes.compactMap { $0.checkpoint?.progress }.min { $0.consumed < $1.consumed } ?? .start
        log.notice(
            "run \(record.runID) is to be resumed after \(progress.consumed) records, once its input is verified",
            metadata: [
                "event": "resume", "run_id": "\(record.runID)", "ordinal": .stringConvertible(progress.nextOrdinal),
            ])
        var execution = RunExecution(
            runner: self, record: record, lanes: lanes, request: request, resumedFrom: progress)
        do { return try await execution.run() } catch let error as ChangedInput {
            switch plan.onChangedInput {
            case .refuse:
                throw PipelineError(
                    .noInput,
                    "the input has changed since run \(record.runID) began: its first \(error.consumed) records are "
                        + "no longer those that the run has consumed",
                    hint: "Restore the input to resume the run, or run with --fresh to give it up and begin again "
                        + "(on_changed_input: restart does so by itself).")
            case .restart:
                log.warning("the input has changed since run \(record.runID) began; it is given up, a new one begins")
                return try await begin(
                    request.logicalDate?.wholeSecond ?? now().wholeSecond, abandoning: [record.runID],
                    keepsInput: true, request,
                    lanes.map { lane in
                        var lane = lane
                        lane.end = nil
                        return lane
                    })
            }
        }
    }

    /// - Throws: `PipelineError` of kind `.configuration` where an earlier version has begun the run over this archive: it gave
    ///   the records other ordinals.
    private func requireKnownForm(of record: RunRecord, _ sinks: [SinkLane]) throws {
        guard !plan.source.isList else { return }
        for sink in sinks where sink.stateAtOpen.lastRun?.isSameExecution(as: record) == true {
            guard let progress = sink.stateAtOpen.checkpoint?.progress, progress.hasConsumed,
                InputAccount.Stored(progress.inputHash) == nil
            else { continue }
            throw StoreFormat.unfinished(record.runID, of: sink.target, writtenBy: record.version)
        }
    }
}
