internal import PipelineCore

extension RunSummary {
    /// Several lines for a person.
    public var text: String {
        var lines: [String] = []
        lines.append("run \(runID): \(description(state))")
        let account = "\(counts.records) = \(counts.found) found + \(counts.absent) absent + \(counts.failed) failed"
        lines.append("  records     " + ([account] + counts.clauses(of: .records)).joined(separator: "; "))
        let written = "\(counts.endpoints) written"
        lines.append("  endpoints   " + ([written] + counts.clauses(of: .endpoints)).joined(separator: ", "))
        let rows = counts.rows.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        if !rows.isEmpty { lines.append("  rows        \(rows)") }
        let columns = counts.clauses(of: .columns).joined(separator: "; ")
        if !columns.isEmpty { lines.append("  columns     \(columns)") }
        if let files = counts.files, files.leftOut > 0 {
            lines.append("  files       \(files.read) read, \(files.leftOut) left out")
        }
        // An archive isn't asked.
        if statistics.requests > 0 {
            lines.append(
                "  calls       \(statistics.requests) sent, \(statistics.retries) retries, "
                    + "\(statistics.throttled) throttled")
        }
        let seconds = rounded(elapsedSeconds)
        lines.append("  time        \(seconds) s, \(Int(usersPerSecond.rounded())) records a second")
        if let resumedFrom { lines.append("  resumed     after \(resumedFrom.consumed) records") }
        if let retried {
            let left = retried.left > 0 ? ", \(retried.left) that no call can mend" : ""
            lines.append(
                "  retried     \(retried.found) found + \(retried.absent) absent + \(retried.failed) failed again\(left)"
            )
        }
        for sink in sinks {
            var line =
                "  sink        \(sink.name): \(sink.type) \(sink.target) (\(sink.mode.rawValue)), "
                + (sink.state == .running ? "\(sink.consumed) records committed" : sink.state.rawValue)
            if sink.counts.refused > 0 { line += ", \(sink.counts.refused) records refused" }
            if let difference = difference(of: sink) { line += ", \(difference)" }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    private func description(_ state: RunState) -> String {
        switch state {
        case .running: "interrupted; run again to go on"
        case .unpublished: "all is fetched, but not published"
        case .complete, .notHandedOver, .abandoned: state.rawValue
        }
    }

    /// How a sink's account differs from the first one's, which a catch-up after a crash can cause.
    private func difference(of sink: SinkSummary) -> String? {
        let own = (sink.counts.found, sink.counts.absent, sink.counts.failed)
        guard own != (counts.found, counts.absent, counts.failed) else { return nil }
        return "its own account: \(own.0) found + \(own.1) absent + \(own.2) failed"
    }
}
