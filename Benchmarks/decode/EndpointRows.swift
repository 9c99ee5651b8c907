internal import Flattening
internal import PipelineCore

/// The rows of one answer, or of one archive line, as a line of JSON: `{"table":[[cells]]}`. A number with a fraction is
/// `{"real":"bits"}`.
enum EndpointRows {
    static let run = RowContext(runID: "run-1", logicalDate: "2026-11-23T00:00:00.000Z", shard: 3)

    /// Form 0 is an answer for user `asked` of application `app`; 1 is a line without either; 2 is an answer in `append`.
    static func describe(_ frame: Frame) -> String {
        guard let tape = try? JSONTape(decoding: frame.body) else { return "null" }
        var builder = BatchBuilder(layout: .normalized(mode: frame.form == 2 ? .append : .merge), run: run)
        builder.append(record(tape, ordinal: 7, isLine: frame.form == 1))
        let (tables, counts) = builder.finish()
        var writer = JSONWriter()
        writer.object { writer in
            for (definition, buffer) in zip(builder.layout.tables, tables) {
                writer.key(definition.name)
                writer.array { writer in
                    buffer.forEachRow { row in
                        writer.array { writer in
                            for column in 0..<buffer.columnCount { write(row[column], to: &writer) }
                        }
                    }
                }
            }
            writer.key("counts")
            writer.array { writer in
                for count in [counts.found, counts.absent, counts.failed, counts.endpoints] { writer.value(count) }
            }
        }
        return writer.text
    }

    static func record(_ tape: JSONTape, ordinal: Int, isLine: Bool = false) -> SourceRecord {
        let form: EndpointTape.Form
        if isLine {
            form = .single(node: tape.root.index)
        } else if let item = tape.root["Item"], item.kind == .array {
            form = .list(node: item.index)
        } else {
            form = .none
        }
        return SourceRecord(
            ordinal: ordinal, userID: isLine ? nil : "asked", applicationID: isLine ? nil : "app", next: .start,
            origin: RecordOrigin(file: nil, line: 0), hashedBytes: [], outcome: .found(EndpointTape(tape, form: form)))
    }

    private static func write(_ value: RowView.Value, to writer: inout JSONWriter) {
        switch value {
        case .null: writer.null()
        case .text(let text): writer.value(text)
        case .integer(let number): writer.value(Int(number))
        case .number(let number):
            writer.object { writer in
                writer.key("real")
                writer.value(String(number.bitPattern, radix: 16))
            }
        case .json(let json): writer.raw(json)
        case .time(let text):
            writer.object { writer in
                writer.key("time")
                writer.value(text)
            }
        }
    }
}
