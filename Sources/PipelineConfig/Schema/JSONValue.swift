internal import PipelineCore

/// A JSON value whose object keys keep their order.
indirect enum JSONValue {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// JSON as it is spelled.
    case raw(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// Without any white space.
    var compact: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text
    }

    private func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .boolean(let flag): writer.value(flag)
        case .integer(let number): writer.value(number)
        case .number(let number): writer.value(number)
        case .string(let text): writer.value(text)
        case .raw(let json): writer.raw(json)
        case .array(let items): writer.array { writer in for item in items { item.write(to: &writer) } }
        case .object(let members):
            writer.object { writer in
                for (key, value) in members {
                    writer.key(key)
                    value.write(to: &writer)
                }
            }
        }
    }

    /// Indented by two spaces; what is short stands on one line. No newline at the end.
    func pretty(indentation: Int = 0) -> String {
        let compact = compact
        let inner = String(repeating: " ", count: indentation + 2)
        let outer = String(repeating: " ", count: indentation)
        switch self {
        case .array(let items) where compact.utf8.count + indentation > 100:
            let lines = items.map { inner + $0.pretty(indentation: indentation + 2) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let members)
        where !members.isEmpty && (compact.utf8.count + indentation > 60 || members.count > 2):
            let lines = members.map { key, value in
                "\(inner)\(JSONValue.string(key).compact): \(value.pretty(indentation: indentation + 2))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        default: return compact
        }
    }
}
