internal import PipelineCore

extension RunSummary {
    /// One line of JSON, without a line break.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("run_id")
            writer.value(runID)
            writer.key("logical_date")
            writer.value(logicalDate)
            writer.key("state")
            writer.value(state.toldText)
            for (name, count) in counts.told(in: .summary) { writer.member(name, count) }
            writer.key("rows")
            writer.object { writer in
                for (table, rows) in counts.rows.sorted(by: { $0.key < $1.key }) {
                    writer.key(table)
                    writer.value(rows)
                }
            }
            writer.key("changes")
            writer.object { writer in
                for (name, count) in counts.changesTold {
                    writer.key(name)
                    writer.value(count)
                }
            }
            if let files = counts.files {
                writer.key("files")
                writer.object { writer in
                    for (key, value) in [("read", files.read), ("left_out", files.leftOut)] {
                        writer.key(key)
                        writer.value(value)
                    }
                }
            }
            for (key, value) in [
                ("requests", statistics.requests), ("retries", statistics.retries),
                ("throttled", statistics.throttled),
            ] {
                writer.key(key)
                writer.value(value)
            }
            writer.key("elapsed_seconds")
            writer.value(rounded(elapsedSeconds))
            writer.key("users_per_second")
            writer.value(rounded(usersPerSecond))
            writer.key("resumed_from")
            writer.value(resumedFrom?.nextOrdinal)
            if let retried {
                writer.key("retried")
                writer.object { writer in
                    for (key, value) in [
                        ("found", retried.found), ("absent", retried.absent), ("failed", retried.failed),
                        ("left", retried.left),
                    ] {
                        writer.key(key)
                        writer.value(value)
                    }
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
            for (key, value) in [
                ("name", sink.name), ("type", sink.type), ("target", sink.target), ("mode", sink.mode.rawValue),
            ] {
                writer.key(key)
                writer.value(value)
            }
            writer.key("next_ordinal")
            writer.value(sink.nextOrdinal)
            writer.key("state")
            writer.value(sink.state.toldText)
            writer.key("refused")
            writer.value(sink.counts.refused)
        }
    }
}
