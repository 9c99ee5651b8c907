public import Logging
package import PipelineCore

/// Runs a pipeline: opens its sinks, decides what is to be done, does it, and accounts for it.
public struct PipelineRunner: Sendable {
    let plan: RunPlan
    let log: Logger
    let stop: StopSignal
    let board: ProgressBoard
    let parking: ParkingPolicy
    let now: @Sendable () -> Timestamp

    public init(plan: RunPlan, log: Logger, stop: StopSignal, board: ProgressBoard = ProgressBoard()) {
        self.init(plan: plan, log: log, stop: stop, board: board, parking: ParkingPolicy(), now: { .now })
    }

    package init(
        plan: RunPlan, log: Logger, stop: StopSignal, board: ProgressBoard, parking: ParkingPolicy,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.plan = plan
        self.log = log
        self.stop = stop
        self.board = board
        self.parking = parking
        self.now = now
    }

    /// Does what is asked: resumes an unfinished run first, then begins the one that is due, if another date was named.
    ///
    /// - Returns: A report for each run that was under way, in order; the last one's exit code is the call's.
    public func run(_ request: RunRequest) async -> [RunReport] {
        var request = request
        var reports: [RunReport] = []
        logStart("run")
        while true {
            let startedAt = now()
            var (report, next) = await runOnce(request)
            report.call = ReportedCall("run", plan, startedAt: startedAt, finishedAt: now())
            reports.append(report)
            logEnd(report)
            guard report.exitCode == 0, let next, !stop.isRequested else { return reports }
            request = next
        }
    }

    /// One run, and what is still to be done after it.
    private func runOnce(_ request: RunRequest) async -> (RunReport, RunRequest?) {
        do {
            try plan.requireShardable(isDated: request.logicalDate != nil)
            return try await withOpenSinks { try await proceed(request, $0) }
        } catch {
            return (unbegunReport(error), nil)
        }
    }

    private func proceed(_ request: RunRequest, _ sinks: [SinkLane]) async throws -> (RunReport, RunRequest?) {
        guard let first = sinks.first else { throw PipelineError(.configuration, "the pipeline has no sink") }
        if !request.fresh { try await checkKeptInput(of: sinks) }
        var dated: RunRecord?
        var records: [RunRecord] = []
        if let date = request.logicalDate {
            // Done only where every sink has it.
            let runID = RunDecision.runID(plan.pipeline, date.wholeSecond)
            dated = try await untilStopped { try await first.session.run(withID: runID) }
            for sink in sinks {
                let own = try await untilStopped { try await sink.session.run(withID: runID) }
                if let own { records.append(own) }
                if own?.state != dated?.state { dated = nil }
            }
        }
        let decision = try RunDecision.decide(
            pipeline: plan.pipeline, request: request,
            states: sinks.map { ($0.name, $0.stateAtOpen, $0.fingerprint) }, dated: dated, now: now(),
            publishes: { plan.inputLimit == nil && plan.limits.publishes($0, ofList: plan.source.isList) })
        switch decision {
        case .nothing(let record):
            log.notice("run \(record.runID) is complete already; nothing to do (--fresh does it again)")
            // A process that died between its end and this left it behind.
            await releaseInput(of: record)
            return (completedReport(record, sinks, records), nil)
        case .begin(let date, let abandoning):
            let report = try await begin(date, abandoning: abandoning, request, sinks)
            return (report, nil)
        case .publishPending(let record):
            if request.retriesFailures, plan.source.isList {
                return (try await amend(sinks, request.accepted), remaining(request, after: record))
            }
            var execution = RunExecution(
                runner: self, record: record, lanes: sinks.map(\.atStoredEnd), request: request)
            return (await execution.publishPending(), remaining(request, after: record))
        case .resume(let record):
            let report = try await resume(record, request, sinks)
            // One that began in its place is the one that was asked for.
            let isRestarted = report.summary.map { $0.runID != record.runID } ?? false
            return (report, isRestarted ? nil : remaining(request, after: record))
        }
    }

    /// What is still to be done once an unfinished run is: the date asked for, where that is another one.
    private func remaining(_ request: RunRequest, after record: RunRecord) -> RunRequest? {
        guard let date = request.logicalDate, RunDecision.runID(plan.pipeline, date.wholeSecond) != record.runID
        else { return nil }
        return request
    }
}
