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
            let (report, next) = await runOnce(request)
            reports.append(report)
            logEnd(report)
            guard report.exitCode == 0, let next, !stop.isRequested else { return reports }
            request = next
        }
    }

    /// One run, and what is still to be done after it.
    private func runOnce(_ request: RunRequest) async -> (RunReport, RunRequest?) {
        do {
            try checkShard(request)
            let sinks = try await openedSinks()
            let result: (RunReport, RunRequest?)
            do { result = try await proceed(request, sinks) } catch {
                result = (unbegunReport(error), nil)
            }
            for sink in sinks { await sink.session.close() }
            return result
        } catch {
            return (unbegunReport(error), nil)
        }
    }

    private func checkShard(_ request: RunRequest) throws {
        guard !plan.shard.isWhole else { return }
        if let sink = plan.sinks.first(where: { !$0.sink.mode.mayBeSharded }) {
            throw PipelineError(
                .configuration,
                "sink '\(sink.sink.name)' replaces its content, and no single shard may publish for all of them",
                hint: "Run the pipeline as a whole, or use the mode merge or append.")
        }
        // Which of an endpoint's lines is the last one, no shard can know: another one may hold it.
        if case .archive(_, _, .last) = plan.source,
            let sink = plan.sinks.first(where: { $0.sink.mode.mergesWithEarlierRuns })
        {
            throw PipelineError(
                .configuration,
                "sink '\(sink.sink.name)' keeps the last line of each endpoint, and shards end in any order",
                hint: "Run the pipeline as a whole, or set conflict: newest.")
        }
        if request.logicalDate == nil, let sink = plan.sinks.first(where: { $0.sink.mode.keepsRunsApart }) {
            throw PipelineError(
                .usage, "sink '\(sink.sink.name)' appends a run's rows, so its shards must belong to one run",
                hint: "Name the run's date: --logical-date 2026-11-23 (the same for every shard).")
        }
    }

    private func proceed(_ request: RunRequest, _ sinks: [SinkLane]) async throws -> (RunReport, RunRequest?) {
        guard let first = sinks.first else { throw PipelineError(.configuration, "the pipeline has no sink") }
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
            states: sinks.map { ($0.name, $0.found, $0.fingerprint) }, dated: dated, now: now(),
            publishes: { plan.inputLimit == nil && plan.limits.publishes($0, ofList: plan.source.isList) })
        switch decision {
        case .nothing(let record):
            log.notice("run \(record.runID) is complete already; nothing to do (--fresh does it again)")
            // A process that died between its end and this left it behind.
            await releaseInput(of: record)
            return (settledReport(record, sinks, records), nil)
        case .begin(let date, let abandoning):
            let report = try await begin(date, abandoning: abandoning, request, sinks)
            return (report, nil)
        case .settle(let record):
            if request.retriesFailures, plan.source.isList {
                return (try await amend(sinks, request.accepted), remaining(request, after: record))
            }
            var lanes = sinks
            for index in lanes.indices {
                lanes[index].checkpoint = lanes[index].found.checkpoint
                lanes[index].end = lanes[index].found.lastRun?.state
            }
            let report = await RunExecution(self, record, lanes, request, resumedFrom: nil).settle()
            return (report, remaining(request, after: record))
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

    private func begin(
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
            guard let last = lane.found.lastRun, abandoning.contains(last.runID) else { continue }
            log.log(
                level: request.fresh || last.state != .unpublished ? .notice : .warning,
                "run \(last.runID) is given up\(reason(last, request)); run \(record.runID) takes its place",
                metadata: ["sink": "\(lane.name)"])
            try await untilStopped { try await lane.session.abandonRun(last.runID) }
            if !keepsInput { await releaseInput(of: last) }
        }
        for index in lanes.indices { lanes[index].checkpoint = try await begin(record, in: lanes[index]) }
        log.notice("run \(record.runID) begins", metadata: ["event": "begin", "run_id": "\(record.runID)"])
        let execution = RunExecution(self, record, lanes, request, resumedFrom: nil)
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

    private func resume(_ record: RunRecord, _ request: RunRequest, _ sinks: [SinkLane]) async throws -> RunReport {
        var lanes = sinks
        for index in lanes.indices {
            if let last = lanes[index].found.lastRun, last.isSameExecution(as: record), last.state != .abandoned {
                lanes[index].checkpoint = lanes[index].found.checkpoint
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
        let execution = RunExecution(self, record, lanes, request, resumedFrom: ordinal)
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

    /// The report of a run that was complete before this call.
    ///
    /// - Parameter records: The run as each sink holds it, in the sinks' order.
    private func settledReport(_ record: RunRecord, _ sinks: [SinkLane], _ records: [RunRecord]) -> RunReport {
        var summary = RunSummary(
            runID: record.runID, logicalDate: record.logicalDate, state: record.state,
            counts: plan.withAllTables(record.counts),
            statistics: LookupStatistics(), elapsed: .zero, processed: 0, resumedFrom: nil,
            sinks: zip(sinks, records).map { sink, record in
                RunSummary.SinkSummary(
                    name: sink.name, type: sink.typeName, target: sink.target, mode: sink.mode,
                    nextOrdinal: record.counts.records, state: record.state, counts: record.counts)
            })
        summary.shortcoming = Shortcoming.text(
            of: summary, plan, isLast: sinks.allSatisfy { $0.found.lastRun?.runID == record.runID })
        return RunReport(
            summary: summary, completionCode: completionCode(records.map(\.counts), ends: records.map(\.state)))
    }

    /// 0, or 65 where in any sink more failed than is accepted, or rows were refused: their accounts can differ after a
    /// crash, and a `replace` waits because of its own. So does a `replace` that isn't published for any other reason.
    func completionCode(_ counts: [RunCounts], ends: [RunState]) -> Int32 {
        counts.allSatisfy { plan.limits.accepts($0) && $0.refused == 0 } && !ends.contains(.unpublished)
            ? 0 : PipelineError.Kind.incomplete.rawValue
    }
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
