internal import Logging
internal import PipelineCore

extension PipelineRunner {
    /// Fetches again what the last run's failures hold, and amends that run: afterwards its content is that of a run in
    /// which these users never failed. A `replace` that waits because of its failures is published if few enough are left.
    ///
    /// May be stopped or killed, and called again, as a run may.
    ///
    /// - Returns: the amended run's report; its exit code is the call's.
    public func retry(accepted: Set<AcceptedBrake> = []) async -> RunReport {
        logStart("retry")
        let startedAt = now()
        var report: RunReport
        do {
            report = try await withOpenSinks { try await amend($0, accepted) }
        } catch {
            report = unbegunReport(error)
        }
        report.call = ReportedCall("retry", plan, startedAt: startedAt, finishedAt: now())
        logEnd(report)
        return report
    }

    func amend(_ sinks: [SinkLane], _ accepted: Set<AcceptedBrake>) async throws -> RunReport {
        try await checkKeptInput(of: sinks)
        let record = try ended(sinks)
        let lanes = sinks.map(\.atStoredEnd)
        let open = try await amendable(lanes)
        log.notice(
            "the failures of run \(record.runID) are fetched again",
            metadata: ["event": "retry", "run_id": "\(record.runID)"])
        var execution = RetryExecution(
            runner: self, record: record, lanes: lanes, amending: open, accepted: accepted)
        return await execution.run()
    }

    /// The places of the sinks whose run can be amended; of the others it is said why they can't.
    func amendable(_ lanes: [SinkLane]) async throws -> Set<Int> {
        var open: Set<Int> = []
        for (index, lane) in lanes.enumerated() {
            do {
                _ = try await untilStopped { try await lane.session.failures(from: 0, limit: 1) }
                open.insert(index)
            } catch let error as PipelineError where error.kind == .cantCreate {
                log.warning("sink '\(lane.name)' keeps its failures: \(error.message). \(error.hint ?? "")")
            }
        }
        return open
    }

    /// The run that all sinks have ended last.
    ///
    /// - Throws: `PipelineError` where there is none that could be amended.
    private func ended(_ sinks: [SinkLane]) throws -> RunRecord {
        guard let record = sinks.first?.stateAtOpen.lastRun else {
            throw PipelineError(
                .usage, "pipeline '\(plan.pipeline)' has no run whose failures could be fetched again",
                hint: "Run it first, with sluice run.")
        }
        if let fault = sinks.lazy.compactMap({ $0.stateAtOpen.fault }).first { throw fault }
        for sink in sinks {
            guard let last = sink.stateAtOpen.lastRun, last.isSameExecution(as: record) else {
                throw PipelineError(
                    .configuration,
                    "the sinks don't agree on the last run: '\(sinks[0].name)' has \(record.runID), '\(sink.name)' has "
                        + (sink.stateAtOpen.lastRun?.runID ?? "none"),
                    hint: "A sink was added, lost or restored from a backup. Begin again with sluice run --fresh.")
            }
            switch last.state {
            case .complete, .notHandedOver, .unpublished: break
            case .running:
                throw PipelineError(
                    .temporary, "run \(record.runID) isn't finished, so what failed in it isn't known yet",
                    hint: "Finish it with sluice run, which goes on where it stopped; then retry.")
            case .abandoned:
                throw PipelineError(
                    .usage, "run \(record.runID), the last one, was given up; there is nothing to amend",
                    hint: "Begin another one with sluice run.")
            }
            guard sink.stateAtOpen.checkpoint?.fingerprint == sink.fingerprint else {
                throw PipelineError(
                    .configuration,
                    "the configuration has changed since run \(record.runID) began, in a way that changes its output",
                    hint: "Restore the configuration to amend the run, with the same --shard and --limit; or do it "
                        + "again with sluice run --fresh.")
            }
        }
        return record
    }
}
