internal import PipelineCore

extension PipelineStatus {
    /// Some lines for each sink, with their values one below the other.
    public var text: String {
        var lines = ["pipeline \(pipeline)"]
        for sink in sinks {
            lines.append("sink \(sink.name): \(sink.type) \(sink.target) (\(sink.mode.rawValue))")
            if let error = sink.error {
                lines.append(Self.line("error", error.message))
                continue
            }
            guard let last = sink.last else {
                lines.append(Self.line("last run", "none yet"))
                continue
            }
            lines += describe(last)
            if !last.state.isPublished {
                guard let complete = sink.lastComplete else {
                    lines.append(Self.line("complete", "no run yet"))
                    continue
                }
                lines.append(Self.line("complete", "\(complete.runID), \(ageText(complete))"))
            }
        }
        if let maxAge, let isFresh {
            let limit = Self.text(maxAge)
            lines.append(
                isFresh ? "fresh: every sink has a complete run younger than \(limit)" : staleness(maxAge, limit))
        }
        return lines.joined(separator: "\n")
    }

    private func staleness(_ maxAge: Duration, _ limit: String) -> String {
        let stale = sinks.filter { !isFresh($0, maxAge) }.map { "'\($0.name)'" }.joined(separator: ", ")
        return "stale: no complete run younger than \(limit) in \(stale)"
    }

    private func describe(_ run: StoredRunGroup) -> [String] {
        let counts = run.counts
        var records =
            "\(counts.records) = \(counts.found) found + \(counts.absent) absent + \(counts.failed) failed"
        if counts.refused > 0 { records += ", \(counts.refused) refused" }
        var lines = [
            Self.line("last run", "\(run.runID), \(run.stateText), \(ageText(run))"),
            Self.line("date", run.logicalDate), Self.line("started", run.startedAt),
            Self.line("finished", run.finishedAt ?? "not yet"), Self.line("records", records),
            Self.line("endpoints", "\(counts.endpoints) written, \(counts.removed) removed"),
        ]
        if run.isSharded {
            for shard in run.members {
                let progress = shard.progress.map { ", \(Self.describe($0))" } ?? ""
                lines.append(
                    Self.line(
                        "shard \(shard.shard)/\(run.shards)",
                        "\(shard.stateText), \(shard.record.counts.records) records\(progress)"))
            }
            let missing = run.shards - run.members.count
            if missing > 0 { lines.append(Self.line("shards", "\(missing) of \(run.shards) not begun")) }
        } else if let progress = run.members.first?.progress {
            lines.append(Self.line("progress", Self.describe(progress)))
        }
        return lines
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

    private static func line(_ label: String, _ value: String) -> String {
        "  \(label)\(String(repeating: " ", count: max(1, 12 - label.count)))\(value)"
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
