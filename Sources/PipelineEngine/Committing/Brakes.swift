package import PipelineCore

/// A brake that one run may pass, as `--accept` spells it.
public enum AcceptedBrake: String, Sendable, Hashable, CaseIterable {
    case failed, absent, removed, empty
}

/// Judges a batch before it is committed: is what has happened so far still what a good run looks like?
package struct Brakes: Sendable {
    package var limits: RunLimits
    package var accepted: Set<AcceptedBrake>

    package init(limits: RunLimits, accepted: Set<AcceptedBrake> = []) {
        self.limits = limits
        self.accepted = accepted
    }

    /// A share says little about few cases: it is judged from this many records (of a `replace` that is to be published
    /// what is removed is judged whatever the records are: its base is all that readers see, and a list that was cut off
    /// has few) …
    static let recordsForShare = 1000
    /// … and this many cases on.
    static let casesForShare = 20

    /// The brake that a commit would pass, given the counts of everything committed and of this batch.
    package func judge(_ counts: RunCounts, progress: RunProgress, mode: WriteMode) -> PipelineError? {
        if !accepted.contains(.failed),
            let excess = excess(counts.failed, of: counts.records, records: counts.records, over: limits.maxFailed)
        {
            return brake(
                "failed records: \(excess), more than max_failed allows", accept: "failed",
                hint: "The failures of this batch aren't committed; the table failures holds earlier ones.")
        }
        if !accepted.contains(.absent),
            let excess = excess(counts.absent, of: counts.records, records: counts.records, over: limits.maxAbsent)
        {
            return brake(
                "users that the service doesn't know: \(excess), more than max_absent allows", accept: "absent",
                hint: "Is it the right list, for the right application?")
        }
        if !accepted.contains(.removed),
            let excess = removals(counts, mode)
        {
            return brake(
                "endpoints that would be removed: \(excess), more than max_removed allows", accept: "removed",
                hint: "Is it the right list, for the right application?")
        }
        let total = counts.records + counts.otherShards + progress.parked.count
        if !accepted.contains(.empty), progress.inputEnded, total < limits.minRecords {
            return brake(
                "the input holds \(total) records, fewer than min_records (\(limits.minRecords))", accept: "empty",
                hint: "Is the list complete?")
        }
        return nil
    }

    /// The brakes that counts as they stand have passed: somebody has accepted that, or the limits were others.
    package func passed(by counts: RunCounts, mode: WriteMode) -> Set<AcceptedBrake> {
        var passed: Set<AcceptedBrake> = []
        if excess(counts.failed, of: counts.records, records: counts.records, over: limits.maxFailed) != nil {
            passed.insert(.failed)
        }
        if excess(counts.absent, of: counts.records, records: counts.records, over: limits.maxAbsent) != nil {
            passed.insert(.absent)
        }
        if removals(counts, mode) != nil { passed.insert(.removed) }
        return passed
    }

    private func removals(_ counts: RunCounts, _ mode: WriteMode) -> String? {
        excess(
            counts.removed, of: counts.previousEndpoints,
            records: mode.publishesAtEnd ? Self.recordsForShare : counts.records, over: limits.maxRemoved)
    }

    /// How far each brake that goes by a share or a number of cases is from being passed.
    package func figures(of counts: RunCounts, mode: WriteMode) -> [Figure] {
        let passed = passed(by: counts, mode: mode)
        return [
            Figure(
                brake: .failed, option: "max_failed", cases: counts.failed, base: counts.records,
                limit: limits.maxFailed),
            Figure(
                brake: .absent, option: "max_absent", cases: counts.absent, base: counts.records,
                limit: limits.maxAbsent),
            Figure(
                brake: .removed, option: "max_removed", cases: counts.removed, base: counts.previousEndpoints,
                limit: limits.maxRemoved),
        ].map { figure in
            var figure = figure
            figure.isPassed = passed.contains(figure.brake)
            return figure
        }
    }

    /// One brake's figures.
    package struct Figure: Sendable {
        package var brake: AcceptedBrake
        /// What it is called in a pipeline.
        package var option: String
        package var cases: Int
        /// What the cases are among.
        package var base: Int
        package var limit: ShareOrCount
        package var isPassed = false
    }

    /// The figures, where they are beyond the limit.
    private func excess(_ cases: Int, of base: Int, records: Int, over limit: ShareOrCount) -> String? {
        switch limit {
        case .count(let count): return cases > count ? "\(cases) of \(base) (the limit is \(limit.text))" : nil
        case .share(let share):
            guard records >= Self.recordsForShare, cases >= Self.casesForShare, base > 0,
                Double(cases) > share * Double(base)
            else { return nil }
            return "\(cases) of \(base) (the limit is \(limit.text))"
        }
    }

    private func brake(_ message: String, accept: String, hint: String) -> PipelineError {
        PipelineError(
            .brake, "stopped by a brake: \(message); this batch changed nothing",
            hint: "\(hint) If it is right as it is, run again with --accept \(accept).", option: "--accept \(accept)")
    }
}

extension ShareOrCount {
    /// `1.0 %` or `50`.
    package var text: String {
        switch self {
        case .count(let count): "\(count)"
        case .share(let share): "\((share * 10_000).rounded() / 100) %"
        }
    }
}
