internal import PipelineCore

extension PipelineChanges {
    /// One line; every name is always there.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("pipeline", pipeline)
            writer.member("since", since?.text)
            writer.key("sinks")
            writer.array { writer in for sink in sinks { sink.write(to: &writer) } }
            writer.member("exit_code", Int(exitCode))
        }
        return writer.text
    }
}

extension SinkChanges {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", status.name)
            writer.member("type", status.type)
            writer.member("target", status.target)
            writer.member("mode", status.mode.rawValue)
            writer.key("runs")
            writer.array { writer in
                for told in runs {
                    writer.object { writer in
                        writer.member("run_id", told.run.runID)
                        writer.member("logical_date", told.run.logicalDate)
                        writer.member("state", told.run.stateText)
                        told.counts.write(to: &writer)
                    }
                }
            }
            writer.key("total")
            writer.object { writer in total.write(to: &writer) }
            writer.key("neighbours")
            writer.array { writer in for neighbour in neighbours { writer.value(neighbour) } }
            writer.key("error")
            if let error = status.error {
                writer.object { writer in
                    writer.member("exit_code", Int(error.exitCode))
                    writer.member("message", error.message)
                }
            } else {
                writer.null()
            }
        }
    }
}

extension ChangeCounts {
    fileprivate func write(to writer: inout JSONWriter) {
        for (name, count) in told { writer.member(name, count) }
        writer.key("removals")
        writer.object { writer in
            for reason in RemovalReason.allCases { writer.member(reason.rawValue, removals[reason] ?? 0) }
        }
    }

    /// By name; what isn't known is nil.
    package var told: [(name: String, count: Int?)] {
        var counts = RunCounts()
        counts.changes = changes
        counts.removed = removed
        return counts.changesTold
    }
}
