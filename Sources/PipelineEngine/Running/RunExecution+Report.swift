internal import Flattening
internal import PipelineCore

extension RunExecution {
    /// What is committed, and what this process did.
    ///
    /// - Parameter error: What stopped the run; nil where it is at its end.
    func report(error: PipelineError?) async -> RunReport {
        let lanes = await committer.lanes
        let ends = lanes.map { $0.end ?? .running }
        let counts = runner.plan.withAllTables(lanes.first?.checkpoint?.counts ?? RunCounts())
        var summary = RunSummary(
            runID: record.runID, logicalDate: record.logicalDate,
            state: [.running, .unpublished, .notHandedOver].first(where: ends.contains) ?? .complete,
            startedAt: record.startedAt, finishedAt: endedAt ?? runner.now().text, counts: counts,
            statistics: runner.plan.source.lookup?.statistics ?? LookupStatistics(), elapsed: .now - start,
            processed: counts.records - lagging.counts.records,
            resumedFrom: resumedFrom,
            sinks: lanes.map { lane in
                RunSummary.SinkSummary(
                    name: lane.name, type: lane.typeName, target: lane.target, mode: lane.mode,
                    nextOrdinal: lane.checkpoint?.progress.nextOrdinal ?? 0,
                    consumed: lane.checkpoint?.progress.consumed ?? 0, state: lane.end ?? .running,
                    counts: lane.checkpoint?.counts ?? RunCounts())
            })
        summary.retried = retried
        summary.shortcoming = Shortcoming.text(of: summary, runner.plan)
        var report = RunReport(
            summary: summary, error: error,
            completionCode: runner.completionCode(lanes.compactMap(\.checkpoint?.counts), ends: ends))
        report.nextSteps = NextStep.after(report, runner.plan)
        return report
    }
}
