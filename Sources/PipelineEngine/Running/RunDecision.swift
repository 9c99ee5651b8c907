package import PipelineCore

/// What a call does, given what the sinks hold. Pure, so that every combination can be tested.
package enum RunDecision: Equatable {
    /// Begins a run, after marking unfinished ones abandoned.
    case begin(Timestamp, abandoning: Set<String>)
    /// Goes on with an unfinished run; sinks that haven't begun it yet do so.
    case resume(RunRecord)
    /// Everything is fetched, but a `replace` waits because of its failures: it is published, as they are accepted by now,
    /// or the same date is asked for, which it blocks.
    case publishPending(RunRecord)
    /// The date asked for is done.
    case nothing(RunRecord)

    /// - Parameters:
    ///   - states: What each sink holds, in the configuration's order, with its name.
    ///   - dated: The first sink's run with the ID of the date asked for, if it has one.
    ///   - publishes: Whether a `replace` with these counts may be published.
    /// - Throws: `PipelineError` of kind `.configuration` where the sinks contradict each other or the configuration.
    package static func decide(
        pipeline: String, request: RunRequest, states: [(name: String, state: SinkState, fingerprint: String)],
        dated: RunRecord?, now: Timestamp, publishes: (RunCounts) -> Bool = { _ in true }
    ) throws -> RunDecision {
        let unfinished = states.compactMap { $0.state.lastRun }.filter {
            $0.state == .running || $0.state == .unpublished
        }
        if let run = unfinished.first, !request.fresh {
            if let fault = states.lazy.compactMap({ $0.state.fault }).first { throw fault }
            let own = states.filter { $0.state.lastRun?.isSameExecution(as: run) == true }
            let hasEnded =
                own.count == states.count
                && own.allSatisfy { [.complete, .unpublished].contains($0.state.lastRun?.state) }
            if request.logicalDate.map({ runID(pipeline, $0.wholeSecond) }) != run.runID,
                unfinished.allSatisfy({ $0.state == .unpublished }), waits(states, publishes)
            {
                // It blocks its own date alone: the run of another one takes its place.
                if let dated, dated.state == .complete { return .nothing(dated) }
                return .begin(date(request, states, pipeline, now), abandoning: Set(unfinished.map(\.runID)))
            }
            if hasCommittedNothing(states, of: run),
                own.contains(where: { $0.state.checkpoint?.fingerprint != $0.fingerprint })
            {
                // There is nothing that another configuration could contradict.
                return .begin(date(request, states, pipeline, now), abandoning: Set(unfinished.map(\.runID)))
            }
            let isFetched = own.count == states.count && own.allSatisfy { holdsAll($0.state) }
            try checkAgreement(states, on: run, isFetched: isFetched)
            return hasEnded ? .publishPending(run) : .resume(run)
        }
        let abandoning = Set(unfinished.map(\.runID))
        if let date = request.logicalDate {
            if let dated, dated.state == .complete, !request.fresh { return .nothing(dated) }
            return .begin(date.wholeSecond, abandoning: abandoning)
        }
        return .begin(date(request, states, pipeline, now), abandoning: abandoning)
    }

    /// The date of a run that begins: the one that is asked for, else the first free second from now on.
    private static func date(
        _ request: RunRequest, _ states: [(name: String, state: SinkState, fingerprint: String)], _ pipeline: String,
        _ now: Timestamp
    ) -> Timestamp {
        if let date = request.logicalDate { return date.wholeSecond }
        var date = now.wholeSecond
        let taken = Set(states.compactMap { $0.state.lastRun?.runID })
        while taken.contains(runID(pipeline, date)) { date = date.next }
        return date
    }

    /// Whether all records of a sink's last run have their outcome there: what is still to come are its failures that are
    /// fetched again, and its end.
    private static func holdsAll(_ state: SinkState) -> Bool {
        switch state.lastRun?.state {
        case .complete, .notHandedOver, .unpublished: true
        case .running: state.checkpoint?.progress.isFetched ?? false
        case .abandoned, nil: false
        }
    }

    /// Whether a sink's unpublished run can't be published as things are: because of what failed in it, or because the
    /// configuration is another one by now.
    private static func waits(
        _ states: [(name: String, state: SinkState, fingerprint: String)], _ publishes: (RunCounts) -> Bool
    ) -> Bool {
        states.contains { _, state, fingerprint in
            guard let run = state.lastRun, run.state == .unpublished else { return false }
            return !publishes(run.counts) || state.checkpoint?.fingerprint != fingerprint
        }
    }

    /// Whether no sink has a commit of its unfinished run.
    private static func hasCommittedNothing(
        _ states: [(name: String, state: SinkState, fingerprint: String)], of run: RunRecord
    ) -> Bool {
        states.allSatisfy { _, state, _ in
            switch state.lastRun?.state {
            case .running: state.checkpoint?.commitNumber == 0
            case .unpublished: false
            case .complete, .notHandedOver: state.lastRun?.isSameExecution(as: run) == false
            case .abandoned, nil: true
            }
        }
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

    package static func runID(_ pipeline: String, _ date: Timestamp) -> String { "\(pipeline)-\(date.compactText)" }
}
