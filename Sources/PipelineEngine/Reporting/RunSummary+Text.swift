internal import PipelineCore

extension RunSummary {
    /// Several lines for a person.
    public var text: String {
        var lines: [String] = []
        lines.append("run \(runID): \(description(state))")
        let elsewhere = counts.elsewhere > 0 ? "; \(counts.elsewhere) more belong to other shards" : ""
        lines.append(
            "  records     \(counts.records) = \(counts.found) found + \(counts.absent) absent + "
                + "\(counts.failed) failed\(elsewhere)")
        var endpoints = "  endpoints   \(counts.endpoints) written"
        if counts.superseded > 0 { endpoints += ", \(counts.superseded) superseded within the run" }
        if counts.removed > 0 { endpoints += ", \(counts.removed) stale ones removed" }
        if counts.filtered > 0 { endpoints += ", \(counts.filtered) filtered out" }
        lines.append(endpoints)
        let rows = counts.rows.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        if !rows.isEmpty { lines.append("  rows        \(rows)") }
        if counts.notNumbers > 0 {
            lines.append("  columns     \(counts.notNumbers) values are no numbers; 'extra' holds them")
        }
        if let files, files.leftOut > 0 {
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
        if let resumedFrom { lines.append("  resumed     at ordinal \(resumedFrom)") }
        if let retried {
            let left = retried.left > 0 ? ", \(retried.left) that no call can mend" : ""
            lines.append(
                "  retried     \(retried.found) found + \(retried.absent) absent + \(retried.failed) failed again\(left)"
            )
        }
        for sink in sinks {
            var line =
                "  sink        \(sink.name): \(sink.type) \(sink.target) (\(sink.mode.rawValue)), "
                + (sink.state == .running ? "\(sink.nextOrdinal) records committed" : sink.state.rawValue)
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
        case .complete, .abandoned: state.rawValue
        }
    }

    /// How a sink's account differs from the first one's, which a catch-up after a crash can cause.
    private func difference(of sink: SinkSummary) -> String? {
        let own = (sink.counts.found, sink.counts.absent, sink.counts.failed)
        guard own != (counts.found, counts.absent, counts.failed) else { return nil }
        return "its own account: \(own.0) found + \(own.1) absent + \(own.2) failed"
    }
}
