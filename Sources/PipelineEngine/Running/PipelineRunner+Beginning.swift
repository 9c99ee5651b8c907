internal import Logging
internal import PipelineCore

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
        let record = RunRecord(
            runID: RunDecision.runID(plan.pipeline, date), state: .running, logicalDate: date.text,
            startedAt: now().text, version: plan.version)
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
        log.notice("run \(record.runID) begins", metadata: ["event": "begin", "run_id": "\(record.runID)"])
        var execution = RunExecution(runner: self, record: record, lanes: lanes, request: request)
        do { return try await execution.run() } catch let error as ChangedInput {
            throw PipelineError(.noInput, "the input changed while it was read (\(error.consumed) records)")
        }
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
        let ordinal = lanes.compactMap { $0.checkpoint?.progress.nextOrdinal }.min() ?? 0
        log.notice(
            "run \(record.runID) is to be resumed at ordinal \(ordinal), once its input is verified",
            metadata: ["event": "resume", "run_id": "\(record.runID)", "ordinal": .stringConvertible(ordinal)])
        var execution = RunExecution(
            runner: self, record: record, lanes: lanes, request: request, resumedFrom: ordinal)
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
}
