internal import PipelineCore

extension PipelineStatus {
    /// Some lines for each sink, with their values one below the other.
    public var text: String {
        var text = LabelledText()
        text.headline("pipeline \(pipeline)")
        for sink in sinks {
            text.headline("sink \(sink.name): \(sink.type) \(sink.target) (\(sink.mode.rawValue))")
            if let error = sink.error {
                text.add("error", error.message)
                continue
            }
            guard let last = sink.last else {
                text.add("last run", "none yet")
                continue
            }
            describe(last, in: &text)
            if !last.state.isPublished {
                text.add("complete", sink.lastComplete.map { "\($0.runID), \(ageText($0))" } ?? "no run yet")
            }
        }
        if let maxAge, let isFresh {
            let limit = Self.text(maxAge)
            text.headline(
                isFresh ? "fresh: every sink has a complete run younger than \(limit)" : staleness(maxAge, limit))
        }
        return text.text
    }

    private func staleness(_ maxAge: Duration, _ limit: String) -> String {
        let stale = sinks.filter { !isFresh($0, maxAge) }.map { "'\($0.name)'" }.joined(separator: ", ")
        return "stale: no complete run younger than \(limit) in \(stale)"
    }

    private func describe(_ run: StoredRunGroup, in text: inout LabelledText) {
        let counts = run.counts
        var records =
            "\(counts.records) = \(counts.found) found + \(counts.absent) absent + \(counts.failed) failed"
        if counts.refused > 0 { records += ", \(counts.refused) refused" }
        text.add("last run", "\(run.runID), \(run.stateText), \(ageText(run))")
        text.add("date", run.logicalDate)
        text.add("started", run.startedAt)
        text.add("finished", run.finishedAt ?? "not yet")
        text.add("records", records)
        text.add("endpoints", "\(counts.endpoints) written, \(counts.removed) removed")
        if run.isSharded {
            for shard in run.members {
                let progress = shard.progress.map { ", \(Self.describe($0))" } ?? ""
                text.add(
                    "shard \(shard.shard)/\(run.shards)",
                    "\(shard.stateText), \(shard.record.counts.records) records\(progress)")
            }
            let missing = run.shards - run.members.count
            if missing > 0 { text.add("shards", "\(missing) of \(run.shards) not begun") }
        } else if let progress = run.members.first?.progress {
            text.add("progress", Self.describe(progress))
        }
    }

    private static func describe(_ progress: StoredProgress) -> String {
        var parts = ["commit \(progress.commitNumber)", "next ordinal \(progress.nextOrdinal)"]
        if progress.parked > 0 { parts.append("\(progress.parked) parked") }
        parts.append(progress.inputEnded ? "input ended" : "input not at its end")
        return parts.joined(separator: ", ")
    }

    private func ageText(_ run: StoredRunGroup) -> String {
        guard let age = age(run) else { return "of an unknown time" }
        return "\(run.finishedAt == nil ? "began" : "ended") \(Self.text(age)) ago"
    }

    /// `26 h`, `3 d 4 h`, `12 min`, `40 s`
    static func text(_ duration: Duration) -> String {
        let seconds = max(0, Int(duration.components.seconds))
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" }
        let hours = seconds / 3600
        let minutes = seconds % 3600 / 60
        if hours < 48 { return minutes == 0 ? "\(hours) h" : "\(hours) h \(minutes) min" }
        return hours % 24 == 0 ? "\(hours / 24) d" : "\(hours / 24) d \(hours % 24) h"
    }
}
