internal import PipelineCore

extension RunSummary {
    /// One line of JSON, without a line break.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("run_id", runID)
            writer.member("logical_date", logicalDate)
            writer.member("state", state.toldText)
            for (name, count) in counts.told(in: .summary) { writer.member(name, count) }
            writer.key("rows")
            writer.object { writer in
                for (table, rows) in counts.rows.sorted(by: { $0.key < $1.key }) { writer.member(table, rows) }
            }
            writer.key("changes")
            writer.object { writer in
                for (name, count) in counts.changesTold { writer.member(name, count) }
            }
            if let files = counts.files {
                writer.key("files")
                files.write(to: &writer)
            }
            writer.member("requests", statistics.requests)
            writer.member("retries", statistics.retries)
            writer.member("throttled", statistics.throttled)
            writer.member("elapsed_seconds", rounded(elapsedSeconds))
            writer.member("users_per_second", rounded(usersPerSecond))
            writer.member("resumed_from", resumedFrom?.nextOrdinal)
            if let retried {
                writer.key("retried")
                writer.object { writer in
                    writer.member("found", retried.found)
                    writer.member("absent", retried.absent)
                    writer.member("failed", retried.failed)
                    writer.member("left", retried.left)
                }
            }
            writer.key("sinks")
            writer.array { writer in
                for sink in sinks { append(sink, to: &writer) }
            }
        }
        return writer.text
    }

    private func append(_ sink: SinkSummary, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", sink.name)
            writer.member("type", sink.type)
            writer.member("target", sink.target)
            writer.member("mode", sink.mode.rawValue)
            writer.member("next_ordinal", sink.nextOrdinal)
            writer.member("state", sink.state.toldText)
            writer.member("refused", sink.counts.refused)
        }
    }
}
