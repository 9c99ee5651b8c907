internal import PipelineCore

/// Why a run that came to its end isn't a success, and what helps; nothing that doesn't is advised.
enum Shortcoming {
    /// - Parameter isLast: It is the pipeline's last run; `retry` amends no other one.
    /// - Returns: Nil where the run passes for a good one, or hasn't ended.
    static func text(of summary: RunSummary, _ plan: RunPlan, isLast: Bool = true) -> String? {
        guard !summary.sinks.contains(where: { $0.state == .running }) else { return nil }
        if summary.state == .unpublished, plan.inputLimit != nil {
            return
                "a run with --limit is never published: what was there stays. Run with --fresh and without --limit to "
                + "give this run up and do all"
        }
        let refusals = summary.sinks.filter { $0.counts.refused > 0 }.map {
            "sink '\($0.name)' refused \($0.counts.refused) records because of their content"
        }
        let isHeldBack = summary.state == .unpublished
        let excess = excess(summary, plan)
        guard isHeldBack || excess != nil || !refusals.isEmpty else { return nil }
        let reasons = ([excess].compactMap { $0 } + refusals).joined(separator: "; ")
        let advice = advice(summary, plan, isLast: isLast)
        guard isHeldBack else { return "complete, but \(reasons); the failures say which and why; \(advice)" }
        let waiting = summary.sinks.filter { $0.state == .unpublished }.map { "'\($0.name)'" }
        return "\(reasons): sink \(waiting.joined(separator: ", ")) keeps what it had; the failures say which and why; "
            + "\(advice). To publish what was fetched as it is, raise \(limits(summary, plan)) and run again; to give it "
            + "up, run another date, or this one with --fresh"
    }

    /// After a crash or a retry one sink may have failures that the first one hasn't.
    private static func worst(_ summary: RunSummary) -> (counts: RunCounts, place: String) {
        let most = summary.sinks.max { $0.counts.failed < $1.counts.failed }
        guard let most, most.counts.failed > summary.counts.failed else { return (summary.counts, "") }
        return (most.counts, " in sink '\(most.name)'")
    }

    private static func excess(_ summary: RunSummary, _ plan: RunPlan) -> String? {
        let (counts, place) = worst(summary)
        if !plan.limits.accepts(counts) {
            let invalid = counts.invalid > 0 ? " (\(counts.invalid) of them hold no usable ID)" : ""
            return
                "\(counts.failed) of \(counts.records) records failed\(place)\(invalid), more than accept_failed allows"
        }
        guard summary.state == .unpublished, !plan.limits.publishes(counts, ofList: plan.source.isList) else {
            return nil
        }
        return
            "\(counts.invalid) of \(counts.records) records hold no usable ID\(place), more than accept_invalid allows"
    }

    private static func limits(_ summary: RunSummary, _ plan: RunPlan) -> String {
        let counts = worst(summary).counts
        guard plan.source.isList, !plan.limits.acceptsInvalid(counts) else { return "accept_failed" }
        var rest = plan.limits
        rest.acceptInvalid = .count(counts.invalid)
        return rest.accepts(counts) ? "accept_invalid" : "accept_failed and accept_invalid"
    }

    /// Whether `retry` can ask again for any of a list's failures, and the names of the sinks that it can't amend.
    static func failures(
        _ summary: RunSummary, _ plan: RunPlan, isLast: Bool
    ) -> (isAmendable: Bool, closed: [String]) {
        guard plan.source.isList else { return (false, []) }
        let failing = zip(summary.sinks, plan.sinks).filter {
            $0.0.counts.failed - $0.0.counts.invalid + $0.0.counts.refused > 0
        }
        let closed = failing.filter { !isLast || $0.0.state.isPublished && !$0.1.sink.amendsPublishedRuns }
        return (failing.count > closed.count, closed.map(\.0.name))
    }

    private static func advice(_ summary: RunSummary, _ plan: RunPlan, isLast: Bool) -> String {
        guard plan.source.isList else { return "mend the archive and run again" }
        var advice: [String] = []
        let (isAmendable, closed) = failures(summary, plan, isLast: isLast)
        if isAmendable {
            advice.append(
                "sluice retry asks again for the users among them"
                    + (summary.state == .unpublished ? ", and publishes when few enough are left" : ""))
        }
        if !closed.isEmpty {
            let shard = plan.shard.isWhole ? "" : " --shard \(plan.shard.index)/\(plan.shard.count)"
            let limit = plan.inputLimit.map { " --limit \($0)" } ?? ""
            let names = closed.map { "'\($0)'" }.joined(separator: ", ")
            let reason =
                isLast
                ? "what sink \(names) has published is never changed" : "later runs have begun since in sink \(names)"
            advice.append(
                "\(reason): sluice run --fresh --logical-date \(summary.logicalDate)\(shard)\(limit) --retry does the run "
                    + "again in its place")
        }
        if summary.sinks.contains(where: { $0.counts.invalid > 0 }) {
            // A run that waits isn't begun anew by being called again under its own date.
            let next = summary.state == .unpublished ? "give this run up, as below" : "run again"
            advice.append("nobody can be asked for a record without a usable ID: mend the input and \(next)")
        }
        let text = advice.isEmpty ? "look at them, mend what is wrong, and run again" : advice.joined(separator: "; ")
        return text
    }
}
