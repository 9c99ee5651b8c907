internal import PipelineCore

extension RunReport {
    /// Several lines for a person, no wider than 80 columns; nil where the call got to no run.
    ///
    /// - Parameter file: The pipeline's, as it was named, for the commands that help now; nil where none are wanted.
    public func text(file: String? = nil, style: TextStyle = .plain) -> String? {
        guard let summary else { return nil }
        var text = LabelledText()
        text.headline("run \(summary.runID): \(verdict(summary))") { paint($0, style) }
        summary.writeCounts(to: &text)
        summary.writeWork(to: &text)
        for sink in summary.sinks { summary.write(sink, to: &text) }
        if let file {
            for (index, step) in nextSteps.enumerated() {
                text.add(index == 0 ? "next" : "", command: step.words(call, file: file))
                text.add("", step.purpose)
            }
        }
        return text.text
    }

    private func verdict(_ summary: RunSummary) -> String {
        if let error {
            return "\(summary.state.toldText) (\(error.exitCode): \(ExitStatus(error.kind).words))"
        }
        return switch summary.state {
        case .running: summary.state.toldText
        case .unpublished: "all is fetched, but not published"
        case .complete where exitCode != 0: "complete, with failures"
        case .complete, .notHandedOver, .abandoned: summary.state.rawValue
        }
    }

    private func paint(_ text: String, _ style: TextStyle) -> String {
        switch exitCode {
        case 0: style.good(text)
        case PipelineError.Kind.incomplete.rawValue, PipelineError.Kind.temporary.rawValue: style.doubtful(text)
        default: style.bad(text)
        }
    }
}

extension RunSummary {
    fileprivate func writeCounts(to text: inout LabelledText) {
        let account = "\(counts.records) = \(counts.found) found + \(counts.absent) absent + \(counts.failed) failed"
        text.add("records", ([account] + counts.clauses(of: .records)).joined(separator: "; "))
        text.add("endpoints", (["\(counts.endpoints) written"] + endpointClauses).joined(separator: ", "))
        if counts.changes != nil {
            let changes = counts.changesTold.compactMap { name, count in count.map { "\($0) \(name)" } }
            text.add("changes", changes.joined(separator: ", "))
        }
        let columns = counts.clauses(of: .columns).joined(separator: "; ")
        if !columns.isEmpty { text.add("columns", columns) }
        if let files = counts.files { text.add("files", "\(files.read) read, \(files.leftOut) left out") }
    }

    /// What was removed is one of the changes, where these are known.
    private var endpointClauses: [String] {
        guard counts.changes != nil else { return counts.clauses(of: .endpoints) }
        var others = counts
        others.removed = 0
        return others.clauses(of: .endpoints)
    }

    fileprivate func writeWork(to text: inout LabelledText) {
        // An archive isn't asked.
        if statistics.requests > 0 {
            var calls = "\(statistics.requests) sent, \(statistics.retries) retries, \(statistics.throttled) throttled"
            if let limit = statistics.foundRate { calls += "; limit found: \(Int(limit.rounded())) a second" }
            text.add("calls", calls)
        }
        let time = elapsedSeconds < 60 ? "\(Self.rounded(elapsedSeconds)) s" : PipelineStatus.text(elapsed)
        text.add("time", "\(time), \(Int(recordsPerSecond.rounded())) records a second")
        if let resumedFrom { text.add("resumed", "after \(resumedFrom.consumed) records") }
        if let retried {
            let left = retried.left > 0 ? ", \(retried.left) that no call can mend" : ""
            text.add(
                "retried",
                "\(retried.found) found + \(retried.absent) absent + \(retried.failed) failed again\(left)")
        }
    }

    fileprivate func write(_ sink: SinkSummary, to text: inout LabelledText) {
        var line =
            "\(sink.name): \(sink.type) \(sink.target) (\(sink.mode.rawValue)), "
            + (sink.state == .running ? "\(sink.consumed) records committed" : sink.state.rawValue)
        if sink.counts.refused > 0 { line += ", \(sink.counts.refused) records refused" }
        if let difference = difference(of: sink) { line += ", \(difference)" }
        text.add("sink", line)
        let rows = sink.counts.rows.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !rows.isEmpty { text.add("rows", rows.joined(separator: ", ")) }
    }

    /// How a sink's account differs from the first one's, which a catch-up after a crash can cause.
    private func difference(of sink: SinkSummary) -> String? {
        let own = (sink.counts.found, sink.counts.absent, sink.counts.failed)
        guard own != (counts.found, counts.absent, counts.failed) else { return nil }
        return "its own account: \(own.0) found + \(own.1) absent + \(own.2) failed"
    }
}
