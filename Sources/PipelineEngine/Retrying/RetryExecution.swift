internal import Logging
internal import PipelineCore

/// One retry under way in this process: what failed is fetched again, then the run ends as a run does.
struct RetryExecution {
    private let runner: PipelineRunner
    private var execution: RunExecution
    /// The places of the sinks that can be amended.
    private let open: Set<Int>

    /// - Parameter lanes: As the sinks have ended the run.
    init(
        runner: PipelineRunner, record: RunRecord, lanes: [SinkLane], amending open: Set<Int>,
        accepted: Set<AcceptedBrake>
    ) {
        self.runner = runner
        self.open = open
        // A retry brings no new failures and reads no input. What the run was let pass with is no reason to stop now.
        let brakes = Brakes(limits: runner.plan.limits)
        let passed = lanes.compactMap { lane in lane.checkpoint.map { brakes.passed(by: $0.counts, mode: lane.mode) } }
        execution = RunExecution(
            runner: runner, record: record, lanes: lanes,
            request: RunRequest(accepted: passed.reduce(accepted.union([.failed, .empty])) { $0.union($1) }))
    }

    mutating func run() async -> RunReport {
        var fetch = FailureFetch(of: execution, amending: open, isWithinRun: false)
        var failure: PipelineError?
        do { try await fetch.fetch() } catch is CancellationError { failure = stopped } catch {
            failure = runner.stop.isRequested ? stopped : PipelineError(describing: error)
        }
        if failure == nil, runner.stop.isRequested { failure = stopped }
        let counts = fetch.counts
        execution.retried = counts
        // The rest is what a run does at its end: the account is checked, and what waits is published.
        var report =
            if let failure { await execution.report(error: failure) } else { await execution.publishPending() }
        report.summary?.processed = counts.fetched
        if counts.left > 0, report.exitCode != 0, report.error == nil { runner.log.warning("\(remainder(counts))") }
        return report
    }

    private func remainder(_ counts: RetryCounts) -> String {
        switch runner.plan.source {
        case .archive:
            "\(counts.left) failures are an archive's records: they can't be fetched. Mend the archive and run again"
        case .lookup:
            "\(counts.left) failures are of records without a usable ID: they can't be fetched. Mend the input and run again"
        }
    }

    private var stopped: PipelineError {
        PipelineError(
            .temporary,
            "the retry of run \(execution.record.runID) was stopped by a signal; everything committed is safe",
            hint: "Retry again: it goes on with what is left.")
    }
}
