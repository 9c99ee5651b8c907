internal import PipelineCore

extension RunOutlook {
    /// One line: what the text says, and every statement.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("pipeline")
            writer.value(pipeline)
            write(action, to: &writer)
            writer.key("input")
            write(input, to: &writer)
            for (key, value) in [("allowed_rate", allowedRate), ("learned_rate", learnedRate)] {
                writer.key(key)
                if let value { writer.value(value) } else { writer.null() }
            }
            writer.key("seconds")
            if let remaining, let rate = learnedRate ?? allowedRate {
                writer.value((Double(remaining) / rate).rounded())
            } else {
                writer.null()
            }
            writer.key("caveats")
            writer.array { writer in for caveat in caveats { writer.value(caveat) } }
            writer.key("sinks")
            writer.array { writer in for sink in sinks { write(sink, to: &writer) } }
            writer.key("exit_code")
            writer.value(Int(exitCode))
        }
        return writer.text
    }

    private func write(_ action: Action, to writer: inout JSONWriter) {
        func member(_ key: String, _ text: String?) {
            writer.key(key)
            if let text { writer.value(text) } else { writer.null() }
        }
        func number(_ key: String, _ number: Int?) {
            writer.key(key)
            if let number { writer.value(number) } else { writer.null() }
        }
        var consumed: Int?
        var ordinal: Int?
        var error: PipelineError?
        switch action {
        case .begin(let runID, _):
            member("action", "begin")
            member("run_id", runID)
        case .resume(let runID, let read, let next, _):
            member("action", "resume")
            member("run_id", runID)
            (consumed, ordinal) = (read, next)
        case .publish(let runID):
            member("action", "publish")
            member("run_id", runID)
        case .nothing(let runID):
            member("action", "nothing")
            member("run_id", runID)
        case .refusal(let refusal):
            member("action", "refusal")
            member("run_id", nil)
            error = refusal
        }
        number("consumed", consumed)
        number("next_ordinal", ordinal)
        member("error", error.map { "\($0)" })
    }

    private func write(_ input: Input?, to writer: inout JSONWriter) {
        switch input {
        case nil, .list(nil): writer.null()
        case .list(let count?):
            writer.object { writer in
                writer.key("records")
                writer.value(count.records)
                writer.key("is_exact")
                writer.value(count.isExact)
            }
        case .archive(let files, let leftOut, let bytes):
            writer.object { writer in
                for (key, value) in [("files", files), ("left_out", leftOut), ("bytes", Int(clamping: bytes))] {
                    writer.key(key)
                    writer.value(value)
                }
            }
        }
    }

    private func write(_ sink: SinkOutlook, to writer: inout JSONWriter) {
        writer.object { writer in
            for (key, value) in [
                ("name", sink.name), ("type", sink.typeName), ("target", sink.target), ("mode", sink.mode.rawValue),
                ("guarantee", sink.guarantee),
            ] {
                writer.key(key)
                writer.value(value)
            }
            for (key, values) in [
                ("existing_tables", sink.inspection?.existingTables ?? []), ("steps", sink.inspection?.steps ?? []),
            ] {
                writer.key(key)
                writer.array { writer in for value in values { writer.value(value) } }
            }
        }
    }
}
