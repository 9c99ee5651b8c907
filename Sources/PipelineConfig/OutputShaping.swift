internal import PipelineCore

/// The options that shape what a sink receives: a resume with others is refused.
struct OutputShaping: Sendable {
    var values: Options
    var source: DecodedPlugin
    var transforms: [DecodedPlugin]
    var sinks: [DecodedPlugin]

    func canonicalText(sink index: Int, hash: ([UInt8]) -> String) -> [UInt8] {
        let sink = sinks[index]
        var members: [(String, JSONValue)] = [
            ("source", plugin(source, all: false, hash)),
            ("transforms", transforms(of: sink, hash)),
            ("sink", plugin(sink, all: false, hash)),
        ]
        for field in PipelineSchema.schema.fields where !field.type.containsPlugin {
            if let value = values[field.key], let json = shaping(value, of: field, hash) {
                members.append((field.key, json))
            }
        }
        return Array(JSONValue.object(members.sorted { $0.0 < $1.0 }).compact.utf8)
    }

    func transformText(sink index: Int, hash: ([UInt8]) -> String) -> [UInt8] {
        Array(transforms(of: sinks[index], hash).compact.utf8)
    }

    /// Every option of a transform shapes the output, by its nature.
    private func transforms(of sink: DecodedPlugin, _ hash: ([UInt8]) -> String) -> JSONValue {
        .array((transforms + sink.transforms).map { plugin($0, all: true, hash) })
    }

    private func plugin(_ plugin: DecodedPlugin, all: Bool, _ hash: ([UInt8]) -> String) -> JSONValue {
        .object([
            ("options", object(plugin.options, plugin.factory.schema, all: all, hash)),
            ("type", .string(plugin.factory.typeName)),
        ])
    }

    private func object(
        _ options: Options, _ schema: OptionSchema, all: Bool, _ hash: ([UInt8]) -> String
    ) -> JSONValue {
        var members: [(String, JSONValue)] = []
        for field in schema.fields {
            guard let value = options[field.key] else { continue }
            if all {
                if isLeftOut(value, of: field, hash) { continue }
                members.append((field.key, json(value, as: field.type, hash)))
            } else if let json = shaping(value, of: field, hash) {
                members.append((field.key, json))
            }
        }
        return .object(members.sorted { $0.0 < $1.0 })
    }

    /// Nil where nothing of the field shapes the output. An object that doesn't as a whole may have fields that do.
    private func shaping(_ value: OptionValue, of field: OptionField, _ hash: ([UInt8]) -> String) -> JSONValue? {
        if field.shapesOutput { return isLeftOut(value, of: field, hash) ? nil : json(value, as: field.type, hash) }
        guard case .object(let schema) = field.type, case .object(let options) = value,
            case .object(let members) = object(options, schema, all: false, hash), !members.isEmpty
        else { return nil }
        return .object(members)
    }

    /// Whether an option that came later is at its default, so that the text is the one that it was before.
    private func isLeftOut(_ value: OptionValue, of field: OptionField, _ hash: ([UInt8]) -> String) -> Bool {
        guard field.cameLater, let standard = field.standardValue(of: field.key).value else { return false }
        return json(value, as: field.type, hash).compact == json(standard, as: field.type, hash).compact
    }

    private func json(_ value: OptionValue, as type: OptionType, _ hash: ([UInt8]) -> String) -> JSONValue {
        switch (value, type) {
        case (.text(let text), _): return .string(text)
        case (.secret(let secret), _): return .object([("hash", .string(hash(Array(secret.reveal().utf8))))])
        case (.boolean(let flag), _): return .boolean(flag)
        case (.integer(let number), _), (.size(let number), _): return .integer(number)
        case (.number(let number), _): return .number(number)
        case (.duration(let duration), _): return .string(ScalarForms.text(duration))
        case (.shareOrCount(.share(let share)), _): return .object([("share", .number(share))])
        case (.shareOrCount(.count(let count)), _): return .integer(count)
        // As written, so that a folder may move.
        case (.path(let path), _): return .string(path.written)
        case (.fieldPath(let names), _): return .array(names.map(JSONValue.string))
        case (.list(let items), .list(let element)): return .array(items.map { json($0, as: element, hash) })
        case (.map(let entries), .map(let element)):
            let members = entries.map { ($0.key, json($0.value, as: element, hash)) }
            return .object(members.sorted { $0.0 < $1.0 })
        case (.document(let json), _): return .string(json)
        case (.object(let options), .object(let schema)): return object(options, schema, all: true, hash)
        // A nested plugin is what its own text says; its product has none.
        case (.plugin(let product), _):
            guard let plugin = product as? DecodedPlugin else { return .null }
            return self.plugin(plugin, all: false, hash)
        default: return .null
        }
    }
}
