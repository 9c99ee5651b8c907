internal import PipelineCore

/// Decodes a document's values as a schema says, telling everything that is wrong.
struct OptionDecoder {
    let registry: PluginRegistry
    var interpolation: Interpolation
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
    /// The pipeline itself is read from standard input, so that nothing else can be.
    var takesStandardInput = false
    /// What the pipeline is read for: nothing else has to be made.
    var wanted = PipelineConfigurationLoader.Wanted.everything
    /// The variables and files for which something stands in, and in how many places.
    private(set) var absent: (names: Set<String>, count: Int) = ([], 0)
    /// Keys of the top level, to tell an option that stands too deep.
    var topLevelKeys: [String] = []

    init(
        registry: PluginRegistry, interpolation: Interpolation, diagnostics: DiagnosticCollector,
        context: PluginContext
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
        let isTopLevel = known == topLevelKeys
        let unknown = (node.entries ?? []).filter { entry in
            !known.contains(entry.key) && !(isTopLevel && entry.key.hasPrefix(PipelineSchema.freePrefix))
        }
        if unknown.count > Self.unknownKeysTold,
            let next = unknown.dropFirst(Self.unknownKeysTold).first
        {
            diagnostics.error(
                "\(unknown.count - Self.unknownKeysTold) more unknown options, from '\(next.key)' on",
                at: next.keyPlace
            )
        }
        for entry in unknown.prefix(Self.unknownKeysTold) {
            var hint = Suggestion.hint(for: entry.key, among: known)
            if Suggestion.nearest(to: entry.key, among: known) == nil {
                if isTopLevel { hint = owners(of: entry.key).map { "it belongs in \($0)" } ?? hint }
                if !isTopLevel, topLevelKeys.contains(entry.key) { hint = "it belongs at the top level" }
            }
            diagnostics.error("unknown option '\(entry.key)'", at: entry.keyPlace, hint: hint)
        }
    }

    /// The plugins that have an option of this name, for a message.
    private func owners(of key: String) -> String? {
        let owners = PluginKind.allCases.compactMap { kind -> String? in
            let types = registry.factories.filter { $0.kind == kind && $0.schema.field(key) != nil }.map(
                \.typeName)
            guard let first = types.first else { return nil }
            return types.count == 1 ? "the \(kind.rawValue) '\(first)'" : "a \(kind.rawValue)"
        }
        return owners.isEmpty ? nil : owners.joined(separator: " or ")
    }

    /// What a mapping's fields came to.
    struct FieldValues {
        var values: [String: OptionValue] = [:]
        /// Those that are wrong or missing.
        var failed: Set<String> = []
        /// Those for which something stands in.
        var unknown: Set<String> = []
    }

    /// The fields' values, defaults filled in, as far as they are right.
    mutating func decodeFields(_ fields: [OptionField], of node: DocumentNode) -> FieldValues {
        var result = FieldValues()
        for field in fields {
            var value: OptionValue?
            if let given = node[field.key] {
                let before = absent.count
                value = decode(
                    given, as: field.type, label: "'\(field.key)'", field: field, names: field.pathNames)
                if absent.count > before { result.unknown.insert(field.key) }
                if let found = value, !result.unknown.contains(field.key) {
                    let problems = field.problems(found)
                    for var error in problems {
                        error.path.insert(field.key, at: 0)
                        report(error, in: node)
                    }
                    if !problems.isEmpty { value = nil }
                }
            } else {
                switch field.presence {
                case .optional: continue
                case .required:
                    diagnostics.error(
                        "missing option '\(field.key)'", at: node.missingKeyPlace, hint: field.summary)
                case .defaulted(let yaml): value = decodeDefault(yaml, of: field, in: node)
                case .defaultedBy(let other, let defaults):
                    guard case .text(let text)? = result.values[other], !result.unknown.contains(other),
                        let yaml = defaults.first(where: { $0.text == text })?.yaml
                    else { continue }
                    value = decodeDefault(yaml, of: field, in: node)
                }
            }
            result.values[field.key] = value
            if value == nil { result.failed.insert(field.key) }
        }
        return result
    }

    /// The options of a mapping, with an error for each of the schema's rules that they are at odds with; nil where one is
    /// wrong or missing.
    mutating func checked(_ fields: FieldValues, by schema: OptionSchema, of node: DocumentNode)
        -> Options?
    {
        let options = Options(fields.values)
        let errors = schema.violations(in: options, unknown: fields.failed.union(fields.unknown))
        for error in errors { report(error, in: node) }
        return fields.failed.isEmpty ? options : nil
    }

    /// A default as if it stood in the file.
    private mutating func decodeDefault(_ yaml: String, of field: OptionField, in node: DocumentNode)
        -> OptionValue?
    {
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
    ///
    /// - Parameter names: the paths that the value, an entry of it or a key of it may be.
    mutating func decode(
        _ node: DocumentNode, as type: OptionType, label: String, field: OptionField? = nil,
        names: PathNames? = nil
    ) -> OptionValue? {
        // What is wrong is told already.
        if node.isFaulty { return nil }
        if case .document = type { return decodeDocument(node, label: label) }
        guard !node.isNull else {
            var hint: String?
            switch field?.presence {
            case .defaulted(let yaml): hint = "leave it out for the default, \(yaml)"
            case .defaultedBy(_, let defaults):
                hint = "leave it out for the default, \(OptionField.shown(defaults))"
            default: break
            }
            diagnostics.error("\(label) has no value", at: node.place, hint: hint)
            return nil
        }
        switch type {
        case .list(let element):
            guard case .sequence(let items) = node.content else { return mismatch(node, type, label) }
            // All entries are decoded, so that each error is told.
            let values = items.map { decode($0, as: element, label: Self.entry(of: label), names: names) }
            let decoded = values.compactMap(\.self)
            return decoded.count == items.count ? .list(decoded) : nil
        case .map(let element):
            guard let entries = node.entries else { return mismatch(node, type, label) }
            let decoded = entries.compactMap { entry -> (key: String, value: OptionValue)? in
                checkName(entry, label: label, names)
                return decode(entry.value, as: element, label: "'\(entry.key)'").map { (entry.key, $0) }
            }
            return decoded.count == entries.count ? .map(decoded) : nil
        case .object(let schema):
            guard node.entries != nil else { return mismatch(node, type, label) }
            checkKeys(of: node, known: schema.fields.map(\.key))
            return checked(decodeFields(schema.fields, of: node), by: schema, of: node).map {
                .object($0)
            }
        case .plugin(let kind):
            guard node.entries != nil else { return mismatch(node, type, label) }
            // What it was made from is kept for the fingerprint, until its owner is made.
            return decodePlugin(node, kind: kind).map { .plugin($0) }
        case .fieldPath: return decodeFieldPath(node, label: label, names)
        default: return decodeScalar(node, as: type, label: label, isAddress: field?.isAddress ?? false)
        }
    }

    private static func entry(of label: String) -> String { "an entry of \(owner(of: label))" }

    /// The option that a label is about.
    private static func owner(of label: String) -> String {
        label.hasPrefix("an entry of ") ? String(label.dropFirst("an entry of ".count)) : label
    }

    /// Reports a key of the user's own that isn't one of the paths it may be.
    private mutating func checkName(_ entry: DocumentNode.Entry, label: String, _ names: PathNames?) {
        if entry.key.contains("${") {
            diagnostics.warning("'${' isn't replaced in a key", at: entry.keyPlace)
        }
        let path = entry.key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if let problem = names?.problem(path) { diagnostics.error("\(label): \(problem)", at: entry.keyPlace) }
    }

    private mutating func decodeFieldPath(
        _ node: DocumentNode, label: String, _ pathNames: PathNames?
    ) -> OptionValue? {
        let owner = Self.owner(of: label)
        let before = absent.count
        var names: [String] = []
        switch node.content {
        case .mapping: return mismatch(node, .fieldPath, label)
        case .sequence(let items):
            let decoded = items.map { decode($0, as: .text, label: "a name in \(owner)") }
            for case .text(let name)? in decoded { names.append(name) }
            guard names.count == items.count else { return nil }
        case .scalar:
            guard case .text(let path)? = decode(node, as: .text, label: label) else { return nil }
            names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        }
        guard !names.isEmpty, !names.contains("") else {
            diagnostics.error("\(label) has an empty name", at: node.place)
            return nil
        }
        if let problem = pathNames?.problem(names), absent.count == before {
            diagnostics.error("\(owner): \(problem)", at: node.place)
            return nil
        }
        return .fieldPath(names)
    }

    /// Remembers that something stands in for the value of a variable or a file.
    mutating func markAbsent(_ name: String) {
        absent.names.insert(name)
        absent.count += 1
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
        for secret in redactions.sorted(by: { $0.utf8.count > $1.utf8.count })
        where message.contains(secret) {
            message = message.split(separator: secret, omittingEmptySubsequences: false).joined(
                separator: "•••")
        }
        return message
    }
}
