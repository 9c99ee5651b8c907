internal import PipelineCore

extension PipelineReport {
    /// One line; every name is always there.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("pipeline", pipeline)
            writer.member("made_at", madeAt.text)
            writer.key("sinks")
            writer.array { writer in for sink in sinks { sink.write(to: &writer) } }
            writer.member("exit_code", Int(exitCode))
        }
        return writer.text
    }
}

extension SinkReport {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", status.name)
            writer.member("type", status.type)
            writer.member("target", status.target)
            writer.member("mode", status.mode.rawValue)
            writer.member("standing", standing.rawValue)
            writer.member("verdict", verdict)
            writer.key("last_run")
            if let last = status.last { last.write(to: &writer) } else { writer.null() }
            writer.key("failures")
            writeFailures(to: &writer)
            writer.key("brakes")
            writer.array { writer in
                for figure in brakes {
                    writer.object { writer in
                        writer.member("option", figure.option)
                        writer.member("cases", figure.cases)
                        writer.member("of", figure.base)
                        writer.member("limit", figure.limit.text)
                        writer.member("passed", figure.isPassed)
                    }
                }
            }
            writer.key("runs")
            writer.array { writer in for run in history { run.write(to: &writer) } }
        }
    }

    private func writeFailures(to writer: inout JSONWriter) {
        guard let failures else { return writer.null() }
        writer.array { writer in
            for group in failures {
                writer.object { writer in
                    writer.member("code", group.code)
                    writer.member("count", group.count)
                    writer.member("meaning", group.meaning)
                }
            }
        }
    }
}

extension StoredRunGroup {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("run_id", runID)
            writer.member("state", stateText)
            writer.member("logical_date", logicalDate)
            writer.member("started_at", startedAt)
            writer.member("finished_at", finishedAt)
            writer.key("elapsed_seconds")
            if let duration { writer.value(RunSummary.rounded(duration / .seconds(1))) } else { writer.null() }
            for (name, count) in counts.told(in: .status) { writer.member(name, count) }
            writer.key("changes")
            writer.object { writer in for (name, count) in counts.changesTold { writer.member(name, count) } }
            writer.key("files")
            if let files = counts.files { files.write(to: &writer) } else { writer.null() }
            writer.member("shard_count", shards)
        }
    }
}
