internal import PipelineCore

// What a value of another kind than is asked for was meant to be, as a line that can be written in its place.

extension OptionDecoder {
    /// Reports a value that is of another kind than its type; always nil.
    mutating func mismatch(_ node: DocumentNode, _ type: OptionType, _ label: String) -> OptionValue? {
        if case .scalar(let text, isPlain: true) = node.content, type.holdsOthers,
            let missing = MissingBlank(text)
        {
            let mistake = missing.mistake(at: node.place)
            diagnostics.error(mistake.message, at: mistake.place, hint: mistake.hint)
            return nil
        }
        diagnostics.error(
            "\(label) must be \(type.expectation), not \(node.kindName)", at: node.place,
            hint: meantForm(of: node, as: type, label))
        return nil
    }

    private func meantForm(of node: DocumentNode, as type: OptionType, _ label: String) -> String? {
        switch (node.content, type) {
        case (.mapping(let entries), .list):
            return entries.first?.keyPlace == node.place
                ? "begin each entry with '- '" : "put [ ] around it"
        case (.scalar(let text, let isPlain), _):
            guard text.count <= 60, !text.contains("://") else { return nil }
            let key = label.hasPrefix("'") ? label.dropFirst().dropLast() + ": " : ""
            let value = Value(text: text, isPlain: isPlain)
            guard let form = form(around: value, as: type) else {
                if case .list = type { return "begin each entry with '- '" }
                return nil
            }
            return "\(form.isComplete ? "write" : "such as") \(key)\(form.text)"
        default: return nil
        }
    }

    private struct Value {
        var text: String
        var isPlain: Bool

        /// As it stands between brackets and braces.
        var written: String {
            let isSafe =
                isPlain && !text.contains { ",[]{}:#".contains($0) }
                && text.first.map { !"*&!|>%@`'\"".contains($0) } ?? false
            if isSafe { return text }
            return text.contains("\"") || text.contains("\\") ? "'\(text)'" : "\"\(text)\""
        }
    }

    private struct Form {
        var text: String
        /// Nothing is left to choose.
        var isComplete: Bool
    }

    /// The list or mapping that a single value was probably meant as.
    private func form(around value: Value, as type: OptionType) -> Form? {
        switch type {
        case .list(.plugin(let kind)):
            return plugin(around: value, kind).map {
                Form(text: "[\($0.text)]", isComplete: $0.isComplete)
            }
        case .list(let element):
            return accepts(value.text, isQuoted: !value.isPlain, as: element)
                ? Form(text: "[\(value.written)]", isComplete: true) : nil
        case .object(let schema):
            let fields = schema.fields.filter {
                accepts(value.text, isQuoted: !value.isPlain, as: $0.type)
            }
            return fields.first.map {
                Form(text: "{\($0.key): \(value.written)}", isComplete: fields.count == 1)
            }
        case .plugin(let kind): return plugin(around: value, kind)
        default: return nil
        }
    }

    /// A plugin that a value names, or else the first one that needs nothing but a path.
    private func plugin(around value: Value, _ kind: PluginKind) -> Form? {
        if let factory = registry.factory(kind, value.text) {
            let options = factory.schema.requiredFields.map { ", \($0.key): …" }
            return Form(
                text: "{type: \(factory.typeName)\(options.joined())}", isComplete: options.isEmpty)
        }
        for factory in registry.factories where factory.kind == kind {
            let required = factory.schema.requiredFields
            guard let only = required.first, required.count == 1, case .path = only.type,
                accepts(value.text, isQuoted: false, as: only.type)
            else { continue }
            return Form(
                text: "{type: \(factory.typeName), \(only.key): \(value.written)}", isComplete: true)
        }
        return nil
    }
}

extension OptionSchema {
    fileprivate var requiredFields: [OptionField] {
        fields.filter { if case .required = $0.presence { true } else { false } }
    }
}

extension OptionType {
    /// Made of other values.
    fileprivate var holdsOthers: Bool {
        switch self {
        case .list, .map, .object, .plugin: true
        default: false
        }
    }
}
