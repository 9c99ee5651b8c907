internal import PipelineCore

extension VerificationReport {
    /// One line; every name is always there.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("pipeline")
            writer.value(pipeline)
            writer.key("run_id")
            writer.value(runID)
            writer.key("logical_date")
            writer.value(logicalDate)
            writer.key("equal")
            if error == nil { writer.value(isEqual) } else { writer.null() }
            writer.key("sinks")
            writer.array { writer in for sink in sinks { Self.write(sink, to: &writer) } }
            writer.key("tables")
            writer.array { writer in for table in tables { Self.write(table, to: &writer) } }
            writer.key("notes")
            writer.array { writer in for note in notes { writer.value(note) } }
            writer.key("error")
            writer.value(error?.message)
            writer.member("exit_code", Int(exitCode))
        }
        return writer.text
    }

    private static func write(_ sink: VerifiedSink, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", sink.name)
            writer.member("type", sink.type)
            writer.member("target", sink.target)
            writer.key("mode")
            writer.value(sink.mode?.rawValue)
            writer.key("not_compared")
            writer.value(sink.exclusion)
            writer.member("refused", sink.refused)
            writer.key("faults")
            writer.array { writer in for fault in sink.faults { writer.value(fault) } }
        }
    }

    private static func write(_ table: VerifiedTable, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", table.name)
            writer.key("equal")
            if table.comparisons.isEmpty {
                writer.null()
            } else {
                writer.value(table.comparisons.allSatisfy(\.isEqual))
            }
            writer.key("sinks")
            writer.array { writer in
                for content in table.contents {
                    writer.object { writer in
                        writer.member("name", content.sink)
                        writer.member("rows", content.rows)
                        writer.member("hash", content.hash)
                    }
                }
            }
            writer.key("differences")
            writer.array { writer in
                for comparison in table.comparisons {
                    for difference in comparison.differences { write(difference, comparison, to: &writer) }
                }
            }
            writer.member("more_differences", table.comparisons.contains(where: \.isCut))
            writer.member("undecided", table.comparisons.reduce(0) { $0 + $1.undecided })
        }
    }

    private static func write(
        _ difference: VerifiedTable.Difference, _ comparison: VerifiedTable.Comparison, to writer: inout JSONWriter
    ) {
        writer.object { writer in
            writer.key("between")
            writer.array { writer in
                writer.value(comparison.left)
                writer.value(comparison.right)
            }
            writer.key("key")
            writer.object { writer in
                for member in difference.key {
                    writer.key(member.name)
                    writer.raw(member.json)
                }
            }
            writer.key("only_in")
            writer.value(difference.onlyIn)
            writer.key("columns")
            writer.array { writer in for column in difference.columns { writer.value(column) } }
        }
    }
}

extension KeyValue {
    /// As JSON has it.
    var json: String {
        var writer = JSONWriter()
        switch self {
        case .null: writer.null()
        case .integer(let number): writer.raw(String(number))
        case .text(let text): writer.value(text)
        }
        return writer.text
    }
}
