internal import PipelineCore

/// Decodes a document's values as a schema says, telling everything that is wrong.
struct OptionDecoder {
    let registry: PluginRegistry
    let interpolation: Interpolation
    var diagnostics: DiagnosticCollector
    /// What nested plugins are made with; the name is filled in for each.
    var context: PluginContext
    /// Values that no message may show.
    private(set) var redactions: Set<String> = []
    /// The files that references took values from, with the reference's place; relative ones are resolved.
    var referencedFiles: [(path: String, place: Place)] = []
    /// A secret of the plugin at hand hides values: where it is the default of a reference, it hides nothing from whoever
    /// reads the pipeline.
    var warnsOfPublicSecrets = false
    /// Keys of the top level, to tell an option that stands too deep.
    var topLevelKeys: [String] = []

    init(
        registry: PluginRegistry, interpolation: Interpolation, diagnostics: DiagnosticCollector, context: PluginContext
    ) {
        self.registry = registry
        self.interpolation = interpolation
        self.diagnostics = diagnostics
        self.context = context
    }

    // MARK: Mappings

    /// So many unknown keys of one mapping are told one by one; more come from a file that is no pipeline.
    private static let unknownKeysTold = 100

    /// Reports keys that no field has.
    mutating func checkKeys(of node: DocumentNode, known: [String]) {
        let unknown = (node.entries ?? []).filter { !known.contains($0.key) }
        if unknown.count > Self.unknownKeysTold, let next = unknown.dropFirst(Self.unknownKeysTold).first {
            diagnostics.error(
                "\(unknown.count - Self.unknownKeysTold) more unknown options, from '\(next.key)' on", at: next.keyPlace
            )
        }
        for entry in unknown.prefix(Self.unknownKeysTold) {
            var hint = Suggestion.hint(for: entry.key, among: known)
            if Suggestion.nearest(to: entry.key, among: known) == nil, topLevelKeys.contains(entry.key) {
                hint = "it belongs at the top level"
            }
            diagnostics.error("unknown option '\(entry.key)'", at: entry.keyPlace, hint: hint)
        }
    }

    /// The fields' values, defaults filled in; nil where one is wrong or missing.
    mutating func decodeFields(_ fields: [OptionField], of node: DocumentNode) -> [String: OptionValue]? {
        var values: [String: OptionValue] = [:]
        var isComplete = true
        for field in fields {
            if let value = node[field.key] {
                values[field.key] = decode(value, as: field.type, label: "'\(field.key)'", field: field)
                isComplete = isComplete && values[field.key] != nil
                continue
            }
            switch field.presence {
            case .optional: break
            case .required:
                diagnostics.error("missing option '\(field.key)'", at: node.missingKeyPlace, hint: field.summary)
                isComplete = false
            case .defaulted(let yaml):
                values[field.key] = decodeDefault(yaml, of: field, in: node)
                isComplete = isComplete && values[field.key] != nil
            }
        }
        return isComplete ? values : nil
    }

    /// A default as if it stood in the file.
    private mutating func decodeDefault(_ yaml: String, of field: OptionField, in node: DocumentNode) -> OptionValue? {
        let outer = diagnostics
        diagnostics = DiagnosticCollector(file: outer.file)
        var value: OptionValue?
        if let document = PipelineDocument(yaml: yaml, diagnostics: &diagnostics) {
            value = decode(document.root, as: field.type, label: "'\(field.key)'", field: field)
        }
        let problem = diagnostics.sorted.first { $0.severity == .error }
        diagnostics = outer
        if let problem {
            diagnostics.error(
                "the default of '\(field.key)' is wrong: \(problem.message)", at: node.missingKeyPlace,
                hint: problem.hint)
            return nil
        }
        return value
    }

    // MARK: Values

    /// Nil, with a diagnostic at the value, where it isn't what the type says.
    mutating func decode(
        _ node: DocumentNode, as type: OptionType, label: String, field: OptionField? = nil
    ) -> OptionValue? {
        if case .document = type { return decodeDocument(node, label: label) }
        guard !node.isNull else {
            var hint: String?
            if case .defaulted(let yaml) = field?.presence { hint = "leave it out for the default, \(yaml)" }
            diagnostics.error("\(label) has no value", at: node.place, hint: hint)
            return nil
        }
        switch type {
        case .list(let element):
            guard case .sequence(let items) = node.content else { return mismatch(node, type, label) }
            // All entries are decoded, so that each error is told.
            let values = items.map { decode($0, as: element, label: "an entry of \(label)") }
            let decoded = values.compactMap(\.self)
            return decoded.count == items.count ? .list(decoded) : nil
        case .map(let element):
            guard let entries = node.entries else { return mismatch(node, type, label) }
            var decoded: [(key: String, value: OptionValue)] = []
            for entry in entries {
                if entry.key.contains("${") {
                    diagnostics.warning("'${' isn't replaced in a key", at: entry.keyPlace)
                }
                if let value = decode(entry.value, as: element, label: "'\(entry.key)'") {
                    decoded.append((entry.key, value))
                }
            }
            return decoded.count == entries.count ? .map(decoded) : nil
        case .object(let schema):
            guard node.entries != nil else { return mismatch(node, type, label) }
            checkKeys(of: node, known: schema.fields.map(\.key))
            return decodeFields(schema.fields, of: node).map { .object(Options($0)) }
        case .plugin(let kind):
            guard node.entries != nil else { return mismatch(node, type, label) }
            // What it was made from is kept for the fingerprint, until its owner is made.
            return decodePlugin(node, kind: kind).map { .plugin($0) }
        case .fieldPath: return decodeFieldPath(node, label: label)
        default: return decodeScalar(node, as: type, label: label, isAddress: field?.isAddress ?? false)
        }
    }

    mutating func mismatch(_ node: DocumentNode, _ type: OptionType, _ label: String) -> OptionValue? {
        diagnostics.error("\(label) must be \(type.expectation), not \(node.kindName)", at: node.place)
        return nil
    }

    private mutating func decodeFieldPath(_ node: DocumentNode, label: String) -> OptionValue? {
        var names: [String] = []
        switch node.content {
        case .mapping: return mismatch(node, .fieldPath, label)
        case .sequence(let items):
            for item in items {
                guard case .text(let name)? = decode(item, as: .text, label: "an entry of \(label)") else { return nil }
                names.append(name)
            }
        case .scalar:
            guard case .text(let path)? = decode(node, as: .text, label: label) else { return nil }
            names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        }
        guard !names.isEmpty, !names.contains("") else {
            diagnostics.error("\(label) has an empty name", at: node.place)
            return nil
        }
        return .fieldPath(names)
    }

    // MARK: Redaction

    /// Remembers what no message may show.
    mutating func redact(_ text: String) {
        if !text.isEmpty { redactions.insert(text) }
    }

    /// A message of a plugin without secrets and values from outside the file.
    func redacted(_ message: String) -> String {
        var message = message
        // The longest first, so that no part of one stays when another is inside it.
        for secret in redactions.sorted(by: { $0.utf8.count > $1.utf8.count }) where message.contains(secret) {
            message = message.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "•••")
        }
        return message
    }
}
