internal import PipelineCore

/// Reports of calls in which no run was under way, and what all reports' exit codes are.
extension PipelineRunner {
    /// The report of a call that ended before its run.
    func unbegunReport(_ error: any Error) -> RunReport {
        if let lockout = error as? LockedOut {
            var report = RunReport(summary: nil, error: lockout.error)
            report.isLockedOut = true
            return report
        }
        let told =
            error is CancellationError
            ? PipelineError(
                .temporary, "stopped by a signal while the sinks were made ready; everything committed is safe",
                hint: "Run again.") : PipelineError(describing: error)
        return RunReport(summary: nil, error: told)
    }

    /// The report of a run that was complete before this call.
    ///
    /// - Parameter records: The run as each sink holds it, in the sinks' order.
    func completedReport(_ record: RunRecord, _ sinks: [SinkLane], _ records: [RunRecord]) -> RunReport {
        var summary = RunSummary(
            runID: record.runID, logicalDate: record.logicalDate, state: record.state,
            startedAt: record.startedAt, finishedAt: record.finishedAt ?? now().text,
            counts: plan.withAllTables(record.counts),
            statistics: LookupStatistics(), elapsed: .zero, processed: 0, resumedFrom: nil,
            sinks: zip(sinks, records).map { sink, record in
                // A later run's checkpoint may have taken the place of this one's.
                let progress = sink.stateAtOpen.checkpoint.flatMap { $0.runID == record.runID ? $0.progress : nil }
                return RunSummary.SinkSummary(
                    name: sink.name, type: sink.typeName, target: sink.target, mode: sink.mode,
                    nextOrdinal: progress?.nextOrdinal ?? record.counts.records,
                    consumed: progress?.consumed ?? record.counts.records, state: record.state, counts: record.counts)
            })
        let isLast = sinks.allSatisfy { $0.stateAtOpen.lastRun?.runID == record.runID }
        summary.shortcoming = Shortcoming.text(of: summary, plan, isLast: isLast)
        var report = RunReport(
            summary: summary, completionCode: completionCode(records.map(\.counts), ends: records.map(\.state)))
        report.nextSteps = NextStep.after(report, plan, isLast: isLast)
        return report
    }

    /// 0, or 65 where in any sink more failed than is accepted, or rows were refused: their accounts can differ after a
    /// crash, and a `replace` waits because of its own. So does a `replace` that isn't published for any other reason.
    func completionCode(_ counts: [RunCounts], ends: [RunState]) -> Int32 {
        counts.allSatisfy { plan.limits.accepts($0) && $0.refused == 0 } && !ends.contains(.unpublished)
            ? 0 : PipelineError.Kind.incomplete.rawValue
    }
}

/// Another call holds a lock that this one needs.
struct LockedOut: Error {
    let error: PipelineError
}

extension PipelineError {
    /// The error itself, or a fault of the program that describes another one.
    init(describing error: any Error) {
        self =
            error as? PipelineError
            ?? PipelineError(
                .software, "unexpected error: \(error)", hint: "This is a fault of sluice. What is committed is safe.")
    }
}
