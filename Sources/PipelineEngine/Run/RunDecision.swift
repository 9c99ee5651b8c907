package import PipelineCore

/// What a call does, given what the sinks hold. Pure, so that every combination can be tested.
package enum RunDecision: Equatable {
    /// Begins a run, after marking unfinished ones abandoned.
    case begin(LogicalDate, abandoning: Set<String>)
    /// Goes on with an unfinished run; sinks that haven't begun it yet do so.
    case resume(RunRecord)
    /// Everything is fetched, but a `replace` waits because of its failures: it is published if they are accepted by now,
    /// and nothing else begins before.
    case settle(RunRecord)
    /// The date asked for is done.
    case nothing(RunRecord)

    /// - Parameters:
    ///   - states: What each sink holds, in the configuration's order, with its name.
    ///   - dated: The first sink's run with the ID of the date asked for, if it has one.
    /// - Throws: `PipelineError` of kind `.configuration` where the sinks contradict each other or the configuration.
    package static func decide(
        pipeline: String, request: RunRequest, states: [(name: String, state: SinkState, fingerprint: String)],
        dated: RunRecord?, now: LogicalDate
    ) throws -> RunDecision {
        let unfinished = states.compactMap { $0.state.lastRun }.filter {
            $0.state == .running || $0.state == .unpublished
        }
        if let run = unfinished.first, !request.fresh {
            let isFetched = states.allSatisfy { _, state, _ in
                guard let last = state.lastRun, last.isSameExecution(as: run) else { return false }
                return last.state == .complete || last.state == .unpublished
            }
            try checkAgreement(states, on: run, isFetched: isFetched)
            return isFetched ? .settle(run) : .resume(run)
        }
        let abandoning = Set(unfinished.map(\.runID))
        if let date = request.logicalDate {
            if let dated, dated.state == .complete, !request.fresh { return .nothing(dated) }
            return .begin(date.wholeSecond, abandoning: abandoning)
        }
        var date = now.wholeSecond
        let taken = Set(states.compactMap { $0.state.lastRun?.runID })
        while taken.contains(runID(pipeline, date)) { date = date.next }
        return .begin(date, abandoning: abandoning)
    }

    /// Every sink must be at this run with at most one commit between them, or not have begun it while no other sink
    /// is beyond its start; and the configuration must still give the same output.
    private static func checkAgreement(
        _ states: [(name: String, state: SinkState, fingerprint: String)], on run: RunRecord, isFetched: Bool
    ) throws {
        let fresh = "Run with --fresh to give the unfinished run up and begin again."
        var numbers: [Int] = []
        for (name, state, fingerprint) in states {
            guard let last = state.lastRun, last.isSameExecution(as: run), last.state != .abandoned,
                let checkpoint = state.checkpoint
            else {
                if let last = state.lastRun, last.state == .running || last.state == .unpublished {
                    throw PipelineError(
                        .configuration,
                        "sink '\(name)' is in the middle of run \(last.runID), but another sink in that of \(run.runID)",
                        hint: "A sink was added or restored from a backup. \(fresh)")
                }
                // Not begun here: fine as long as no other sink has gone beyond the start.
                numbers.append(-1)
                continue
            }
            guard checkpoint.fingerprint == fingerprint else {
                throw PipelineError(
                    .configuration,
                    "the configuration has changed since run \(run.runID) began, in a way that changes its output",
                    hint: "Restore the configuration to resume the run. \(fresh)")
            }
            numbers.append(checkpoint.commitNumber)
        }
        // Once all is fetched each sink amends its own failures, in as many commits as that takes.
        guard !isFetched, let least = numbers.min(), let most = numbers.max() else { return }
        let beyond = least == -1 ? most > 0 : most - least > 1
        if beyond {
            let places = zip(states, numbers).map { "'\($0.name)' at commit \(max(0, $1))" }.joined(separator: ", ")
            throw PipelineError(
                .configuration, "the sinks don't agree on how far run \(run.runID) has come: \(places)",
                hint: "A sink was added, lost or restored from a backup. \(fresh)")
        }
    }

    package static func runID(_ pipeline: String, _ date: LogicalDate) -> String { "\(pipeline)-\(date.compactText)" }
}
