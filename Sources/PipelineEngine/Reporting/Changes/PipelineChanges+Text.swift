internal import PipelineCore

extension PipelineChanges {
    /// Some lines for each sink, no wider than 80 columns.
    public var text: String {
        var text = LabelledText()
        let what =
            since.map { "what runs changed, from \($0.text.shownDate) on" } ?? "what the last complete run changed"
        text.headline("pipeline \(pipeline): \(what)")
        for sink in sinks { sink.write(to: &text, since: since) }
        return text.text
    }
}

extension SinkChanges {
    fileprivate func write(to text: inout LabelledText, since: Timestamp?) {
        text.headline("sink \(status.name): \(status.type) \(status.target) (\(status.mode.rawValue))")
        if let error = status.error { return text.add("error", error.message) }
        guard let last = status.last else { return text.add("last run", "none yet") }
        guard !runs.isEmpty else {
            return since == nil
                ? text.add("complete", "no run yet; --since tells of \(last.runID) too, which is \(last.stateText)")
                : text.add("runs", "none from that date on; the last one is \(last.runID)")
        }
        if since == nil { text.add("run", runs[0].run.runID) }
        text.add(table: table)
        let gone = RemovalReason.allCases.compactMap { reason in
            total.removals[reason].map { "\($0) \(reason.rawValue)" }
        }
        text.add("removals", gone.isEmpty ? "none" : gone.joined(separator: ", "))
        if runs.contains(where: { $0.counts.changes == nil }) {
            text.add("–", "not counted: an earlier version began that run")
        }
        if !neighbours.isEmpty {
            let names = neighbours.map { "'\($0)'" }.joined(separator: ", ")
            text.add("shared", "pipeline \(names) writes into these tables too; its runs aren't told here")
        }
    }

    private var table: [String] {
        let heading = ["date"] + total.told.map(\.name) + ["state"]
        var rows = runs.map { told in
            [told.run.logicalDate.shownDate] + told.counts.shown + [told.run.shownState]
        }
        if rows.count > 1 { rows.append(["total"] + total.shown + [""]) }
        // Numbers stand on the right.
        return AlignedColumns.lines([heading] + rows, right: 1..<heading.count - 1)
    }
}

extension ChangeCounts {
    fileprivate var shown: [String] { told.map { $0.count.map { "\($0)" } ?? "–" } }
}

extension StoredRunGroup {
    /// Its state where there is room for a word or two.
    fileprivate var shownState: String { state == .notHandedOver ? "not handed over" : stateText }
}

extension String {
    /// A logical date, exact to the second: the rest is zeros in practice.
    var shownDate: String { replacing(".000Z", with: "Z") }
}
