internal import PipelineCore

extension RunReport {
    /// The form of the line; it grows when a name goes or means something else.
    private static let schemaVersion = 1

    /// One line of JSON, without a line break. Every name is always there; what isn't known is null.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("run_id", summary?.runID)
            writer.member("logical_date", summary?.logicalDate)
            writer.member("state", summary?.state.toldText ?? "not begun")
            writeCounts(to: &writer)
            writer.member("requests", summary?.statistics.requests)
            writer.member("retries", summary?.statistics.retries)
            writer.member("throttled", summary?.statistics.throttled)
            for (name, value) in [
                ("elapsed_seconds", summary?.elapsedSeconds), ("records_per_second", summary?.recordsPerSecond),
            ] {
                writer.key(name)
                if let value { writer.value(RunSummary.rounded(value)) } else { writer.null() }
            }
            writer.member("resumed_from", summary?.resumedFrom?.nextOrdinal)
            writeRetried(to: &writer)
            writer.member("schema_version", Self.schemaVersion)
            writer.member("pipeline", call.pipeline)
            writer.member("version", call.version)
            writer.member("exit_code", Int(exitCode))
            writeError(to: &writer)
            writer.member("started_at", summary?.startedAt ?? call.startedAt)
            writer.member("finished_at", summary?.finishedAt ?? call.finishedAt)
            writer.key("sinks")
            writer.array { writer in
                for sink in summary?.sinks ?? [] { Self.write(sink.identity, of: sink, to: &writer) }
                if summary == nil { for sink in call.sinks { Self.write(sink, of: nil, to: &writer) } }
            }
        }
        return writer.text
    }

    private func writeCounts(to writer: inout JSONWriter) {
        let counts = summary?.counts
        // A run without any has the names.
        let none = RunCounts()
        for (name, count) in (counts ?? none).told(in: .summary) { writer.member(name, counts == nil ? nil : count) }
        writer.key("rows")
        if let counts {
            writer.object { writer in
                for (table, rows) in counts.rows.sorted(by: { $0.key < $1.key }) { writer.member(table, rows) }
            }
        } else {
            writer.null()
        }
        writer.key("changes")
        writer.object { writer in
            for (name, count) in (counts ?? none).changesTold { writer.member(name, counts == nil ? nil : count) }
        }
        writer.key("files")
        if let files = counts?.files { files.write(to: &writer) } else { writer.null() }
    }

    /// Null for a run that asked nobody again.
    private func writeRetried(to writer: inout JSONWriter) {
        writer.key("retried")
        guard let retried = summary?.retried else { return writer.null() }
        writer.object { writer in
            writer.member("found", retried.found)
            writer.member("absent", retried.absent)
            writer.member("failed", retried.failed)
            writer.member("left", retried.left)
        }
    }

    /// Null where the exit code is 0.
    private func writeError(to writer: inout JSONWriter) {
        writer.key("error")
        let shortcoming = exitCode == 0 ? nil : summary?.shortcoming
        guard let message = error?.message ?? shortcoming else { return writer.null() }
        writer.object { writer in
            writer.member("message", message)
            writer.member("hint", error?.hint)
        }
    }

    private static func write(_ sink: ReportedSink, of run: RunSummary.SinkSummary?, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", sink.name)
            writer.member("type", sink.type)
            writer.member("target", sink.target)
            writer.member("mode", sink.mode.rawValue)
            writer.member("next_ordinal", run?.nextOrdinal)
            writer.member("state", run?.state.toldText)
            writer.member("refused", run?.counts.refused)
        }
    }
}
