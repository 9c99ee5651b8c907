internal import PipelineCore

extension VerificationReport {
    /// Several lines for a person: the verdict first, then each table, then what differs.
    public var text: String {
        var lines = [verdict]
        let nameWidth = (tables.map(\.name.count).max() ?? 0) + 2
        let sinkWidth = (sinks.map(\.name.count).max() ?? 0) + 2
        for table in tables {
            lines.append("  \(padded(table.name, nameWidth))\(judgement(table))")
            for content in table.contents {
                lines.append("    \(padded(content.sink, sinkWidth))\(content.rows) rows, \(content.hash)")
            }
            for comparison in table.comparisons { lines += differences(comparison) }
        }
        let kind = pipeline == nil ? "" : "sink "
        for sink in sinks {
            if let exclusion = sink.exclusion {
                lines.append("  \(kind)\(sink.name) was checked against its own account alone: \(exclusion)")
            }
            if sink.refused > 0 {
                lines.append(
                    "  \(kind)\(sink.name) refused \(sink.refused) records because of their content: their rows are missing there"
                )
            }
            for fault in sink.faults { lines.append("  \(kind)\(sink.name): \(fault)") }
        }
        return (lines + notes.map { "  \($0)" }).joined(separator: "\n")
    }

    private var verdict: String {
        if error != nil { return "\(subject): not compared" }
        let isCompared = tables.contains { !$0.comparisons.isEmpty }
        if !isEqual { return "\(subject): different" }
        let places = pipeline == nil ? "folders" : "sinks"
        return isCompared
            ? "\(subject): equal in \(sinks.count { $0.exclusion == nil }) \(places)"
            : "\(subject): as its own account says; no \(places) were compared"
    }

    private var subject: String {
        if let runID { return "run \(runID)" }
        return pipeline.map { "pipeline \($0)" } ?? "rows"
    }

    private func judgement(_ table: VerifiedTable) -> String {
        if table.comparisons.isEmpty { return "not compared" }
        return table.comparisons.allSatisfy(\.isEqual) ? "equal" : "different"
    }

    private func differences(_ comparison: VerifiedTable.Comparison) -> [String] {
        var lines = comparison.differences.map { difference in
            let key = difference.key.map { "\($0.name) \($0.json)" }.joined(separator: ", ")
            if let sink = difference.onlyIn {
                return
                    "    only in \(sink), not in \(sink == comparison.left ? comparison.right : comparison.left): \(key)"
            }
            return
                "    \(difference.columns.joined(separator: ", ")) \(difference.columns.count == 1 ? "differs" : "differ") between \(comparison.left) and "
                + "\(comparison.right): \(key)"
        }
        if comparison.isCut { lines.append("    … and more between \(comparison.left) and \(comparison.right)") }
        if comparison.undecided > 0 {
            lines.append(
                "    \(comparison.undecided) endpoints that the run brought more than once aren't compared here: "
                    + "files don't tell which of their rows count")
        }
        return lines
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
