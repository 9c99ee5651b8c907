internal import PipelineCore

extension PipelineReport {
    /// Some lines for each sink, no wider than 80 columns.
    public func text(style: TextStyle = .plain) -> String {
        var text = LabelledText()
        text.headline("pipeline \(pipeline), as its stores tell at \(madeAt.text)")
        for sink in sinks { sink.write(to: &text, style) }
        return text.text
    }
}

extension SinkReport {
    fileprivate func write(to text: inout LabelledText, _ style: TextStyle) {
        text.headline("sink \(status.name): \(status.type) \(status.target) (\(status.mode.rawValue))")
        guard let last = status.last else {
            text.add("verdict", verdict, painted: paint(style))
            return
        }
        text.add("verdict", "run \(last.runID): \(verdict)", painted: paint(style))
        text.add("date", last.logicalDate)
        text.add("started", last.startedAt)
        text.add("finished", last.finishedAt.map { "\($0), after \(last.durationText)" } ?? "not yet")
        let counts = last.counts
        let account = "\(counts.records) = \(counts.found) found + \(counts.absent) absent + \(counts.failed) failed"
        text.add("records", ([account] + counts.clauses(of: .records)).joined(separator: "; "))
        text.add(
            "endpoints", (["\(counts.endpoints) written"] + counts.clauses(of: .endpoints)).joined(separator: ", "))
        if counts.changes != nil {
            let changes = counts.changesTold.compactMap { name, count in count.map { "\($0) \(name)" } }
            text.add("changes", changes.joined(separator: ", "))
        }
        if let files = counts.files { text.add("files", "\(files.read) read, \(files.leftOut) left out") }
        if counts.refused > 0 { text.add("refused", "\(counts.refused) records") }
        writeFailures(counts, to: &text)
        for (index, figure) in brakes.filter({ $0.base > 0 }).enumerated() {
            let passed = figure.isPassed ? ", passed" : ""
            text.add(
                index == 0 ? "brakes" : "",
                "\(figure.option): \(figure.cases) of \(figure.base), the limit is \(figure.limit.text)\(passed)")
        }
        text.add("runs", lines: HistoryTable(history).lines)
    }

    private func writeFailures(_ counts: RunCounts, to text: inout LabelledText) {
        guard let failures else {
            let held = counts.failed + counts.refused
            if held > 0 { text.add("failures", "\(held), which the store shows once the run is published") }
            return
        }
        for (index, group) in failures.enumerated() {
            let meaning = group.meaning.map { ": \($0)" } ?? ""
            text.add(index == 0 ? "failures" : "", "\(group.count) \(group.code)\(meaning)")
        }
    }

    private func paint(_ style: TextStyle) -> (String) -> String {
        switch standing {
        case .good: { style.good($0) }
        case .none, .open: { style.doubtful($0) }
        case .wrong: { style.bad($0) }
        }
    }
}

/// The last runs as a table, a line each.
private struct HistoryTable {
    let lines: [String]

    init(_ runs: [StoredRunGroup]) {
        let rows =
            [["date", "records", "failed", "took", "state"]]
            + runs.map { run in
                [
                    run.logicalDate.shownDate, "\(run.counts.records)", "\(run.counts.failed)",
                    run.durationText, run.stateText,
                ]
            }
        // Numbers and times stand on the right.
        lines = AlignedColumns.lines(rows, right: 1..<4)
    }
}
