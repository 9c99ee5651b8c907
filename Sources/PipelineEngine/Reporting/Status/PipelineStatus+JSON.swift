internal import PipelineCore

extension PipelineStatus {
    /// One line; every name is always there.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("pipeline", pipeline)
            writer.member("checked_at", checkedAt.text)
            writer.key("sinks")
            writer.array { writer in for sink in sinks { write(sink, to: &writer) } }
            writer.key("max_age_seconds")
            if let maxAge { writer.value(Int((maxAge / .seconds(1)).rounded())) } else { writer.null() }
            writer.key("fresh")
            if let isFresh { writer.value(isFresh) } else { writer.null() }
            writer.member("exit_code", Int(exitCode))
        }
        return writer.text
    }

    private func write(_ sink: SinkStatus, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", sink.name)
            writer.member("type", sink.type)
            writer.member("target", sink.target)
            writer.member("mode", sink.mode.rawValue)
            writer.member("state", sink.stateText)
            writer.key("error")
            if let error = sink.error {
                writer.object { writer in
                    writer.member("exit_code", Int(error.exitCode))
                    writer.member("message", error.message)
                }
            } else {
                writer.null()
            }
            for (name, run) in [("last_run", sink.last), ("last_complete_run", sink.lastComplete)] {
                writer.key(name)
                if let run { write(run, to: &writer) } else { writer.null() }
            }
        }
    }

    private func write(_ run: StoredRunGroup, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("run_id", run.runID)
            writer.member("state", run.stateText)
            writer.member("logical_date", run.logicalDate)
            writer.member("started_at", run.startedAt)
            writer.member("finished_at", run.finishedAt)
            writer.key("age_seconds")
            if let age = age(run) { writer.value(Int(age.components.seconds)) } else { writer.null() }
            for (name, count) in run.counts.told(in: .status) { writer.member(name, count) }
            writer.key("files")
            if let files = run.counts.files { files.write(to: &writer) } else { writer.null() }
            Self.write(run.isSharded ? nil : run.members.first?.progress, to: &writer)
            writer.key("shards")
            writer.array { writer in
                guard run.isSharded else { return }
                for shard in run.members { Self.write(shard, to: &writer) }
            }
            writer.member("shard_count", run.shards)
        }
    }

    private static func write(_ shard: StoredRun, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("shard", shard.shard)
            writer.member("state", shard.stateText)
            writer.member("started_at", shard.record.startedAt)
            writer.member("finished_at", shard.record.finishedAt)
            writer.member("records", shard.record.counts.records)
            writer.member("failed", shard.record.counts.failed)
            write(shard.progress, to: &writer)
        }
    }

    /// Null where a later run's checkpoint has taken this one's place, or where each shard has its own.
    private static func write(_ progress: StoredProgress?, to writer: inout JSONWriter) {
        writer.member("commit_number", progress?.commitNumber)
        writer.member("next_ordinal", progress?.nextOrdinal)
        writer.member("consumed", progress?.consumed)
        writer.member("parked", progress?.parked)
        writer.key("input_ended")
        if let progress { writer.value(progress.inputEnded) } else { writer.null() }
    }
}

extension SinkStatus {
    /// Its last run's state; `none` where there was no run yet, `unreachable` where nobody knows.
    var stateText: String { error == nil ? last?.stateText ?? "none" : "unreachable" }
}
