public import PipelineCore

/// Finds what is wrong with the option schemas of plugins themselves; for plugin authors' tests.
public enum SchemaCheck {
    /// One line for each mistake: a default that its own type refuses, a key that stands twice or that the host adds,
    /// an empty summary. Empty where all is well.
    public static func problems(registry: PluginRegistry) -> [String] {
        var problems = self.problems(of: PipelineSchema.schema, named: "the top level", registry)
        for factory in registry.factories {
            let owner = "\(factory.kind.rawValue) '\(factory.typeName)'"
            if factory.summary.isEmpty { problems.append("\(owner) has no summary") }
            let host = ["type"] + OptionDecoder.hostFields(factory.kind).map(\.key)
            for key in host where factory.schema.field(key) != nil {
                problems.append("\(owner): '\(key)' is the host's")
            }
            problems += self.problems(of: factory.schema, named: owner, registry)
        }
        return problems
    }

    private static func problems(
        of schema: OptionSchema, named owner: String, _ registry: PluginRegistry
    ) -> [String] {
        var problems: [String] = []
        var keys: Set<String> = []
        for field in schema.fields {
            if !keys.insert(field.key).inserted {
                problems.append("\(owner): '\(field.key)' stands twice")
            }
            if field.summary.isEmpty { problems.append("\(owner): '\(field.key)' has no summary") }
            if case .object(let nested) = field.type {
                problems += self.problems(of: nested, named: "\(owner), '\(field.key)'", registry)
            }
            switch field.presence {
            case .required, .optional: break
            case .defaulted:
                problems += field.standardValue(of: owner, registry).problems.map { "\(owner): \($0)" }
            case .defaultedBy(let other, let defaults):
                if other == field.key || !keys.contains(other) {
                    problems.append(
                        "\(owner): '\(field.key)' has its default by '\(other)', which doesn't stand before it")
                }
                for (_, yaml) in defaults {
                    var field = field
                    field.presence = .defaulted(yaml)
                    problems += field.standardValue(of: owner, registry).problems.map { "\(owner): \($0)" }
                }
            }
        }
        return problems
    }
}

extension OptionField {
    /// "6 for gzip, 3 for zstd"
    static func shown(_ defaults: [(text: String, yaml: String)]) -> String {
        defaults.map { "\($0.yaml) for \($0.text)" }.joined(separator: ", ")
    }

    /// The value that the option has where it isn't given, and what is wrong with it; nil for one without a default.
    ///
    /// - Parameter owner: what has the option, for messages.
    func standardValue(
        of owner: String, _ registry: PluginRegistry = PluginRegistry()
    ) -> (value: OptionValue?, problems: [String]) {
        var decoder = OptionDecoder(
            registry: registry, interpolation: Interpolation(environment: [:], folder: "/"),
            diagnostics: DiagnosticCollector(file: owner),
            context: PluginContext(
                pipeline: "", name: "", stateDirectory: "/", environment: [:], version: "", warn: { _ in }))
        let empty = DocumentNode(content: .mapping([]), place: Place(line: 1, column: 1))
        let value = decoder.decodeFields([self], of: empty).values[key]
        return (value, decoder.diagnostics.sorted.map(\.message))
    }
}
