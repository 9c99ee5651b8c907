internal import PipelineCore

extension SinkReport {
    /// What the last run comes to.
    package enum Standing: String, Sendable {
        case good
        /// No run yet.
        case none
        /// It isn't at its end, or waits for somebody.
        case open
        case wrong
    }

    package var standing: Standing {
        if status.error != nil { return .wrong }
        guard let last = status.last else { return .none }
        return switch last.state {
        case .complete: isAccepted ? .good : .wrong
        case .notHandedOver, .abandoned: .wrong
        case .unpublished: .open
        case .running: .open
        }
    }

    /// One sentence, without the run's name.
    package var verdict: String {
        if let error = status.error { return "it can't be looked at: \(error.message)" }
        guard let last = status.last else { return "there is no run yet" }
        let counts = last.counts
        let failed =
            counts.failed + counts.refused == 0
            ? "none failed"
            : "\(counts.failed) of \(counts.records) failed"
                + (counts.refused > 0 ? ", \(counts.refused) were refused" : "")
        return switch last.state {
        case .complete where isAccepted: "complete; all \(counts.records) records are accounted for, \(failed)"
        case .complete: "complete, but \(failed), more than is accepted"
        case .notHandedOver: "\(last.stateText); the next run repeats the command that failed"
        case .unpublished: "everything is fetched, but not published; \(failed)"
        case .abandoned: "given up after \(counts.records) records"
        case .running where last.stateText == StoredRunGroup.interrupted:
            "interrupted after \(counts.records) records; the next run goes on there"
        case .running: "under way, at \(counts.records) records"
        }
    }
}

extension StoredRunGroup {
    /// From its first start to its end; nil while it isn't at its end.
    package var duration: Duration? {
        guard let start = Timestamp.milliseconds(of: startedAt), let end = finishedAt.flatMap(Timestamp.milliseconds)
        else { return nil }
        return .milliseconds(end - start)
    }

    var durationText: String { duration.map(PipelineStatus.text) ?? "–" }
}
