public import PipelineCore

/// Lists a registry's plugins for a person.
public enum PluginListing {
    /// Each plugin with its options: type, default and a line of documentation. Ends with a newline.
    public static func text(registry: PluginRegistry) -> String { text(of: registry) { _ in true } ?? "\n" }

    /// The same for the plugins of one type name; nil where there is none.
    package static func text(registry: PluginRegistry, typeName: String) -> String? {
        text(of: registry) { $0.typeName == typeName }
    }

    private static func text(of registry: PluginRegistry, where isWanted: (PluginFactory) -> Bool) -> String? {
        var blocks: [String] = []
        for kind in PluginKind.allCases {
            for factory in registry.factories where factory.kind == kind && isWanted(factory) {
                let host = OptionDecoder.hostFields(kind)
                let own = factory.schema.fields.filter { field in !host.contains { $0.key == field.key } }
                var lines = ["\(kind.rawValue) '\(factory.typeName)': \(factory.summary)"]
                lines += self.lines(for: own + host, indentation: 2)
                blocks.append(lines.joined(separator: "\n"))
            }
        }
        return blocks.isEmpty ? nil : blocks.joined(separator: "\n\n") + "\n"
    }

    /// The options of a pipeline's top level, in the same form.
    public static var pipelineText: String {
        (["a pipeline"] + lines(for: PipelineSchema.schema.fields, indentation: 2)).joined(separator: "\n") + "\n"
    }

    private static func lines(for fields: [OptionField], indentation: Int) -> [String] {
        let width = fields.map(\.key.count).max() ?? 0
        return fields.flatMap { field -> [String] in
            let space = String(repeating: " ", count: indentation)
            let key = field.key + String(repeating: " ", count: width - field.key.count)
            let presence =
                switch field.presence {
                case .required: "required"
                case .optional: "optional"
                case .defaulted(let yaml): "default \(yaml)"
                case .defaultedBy(_, let defaults): "default " + OptionField.shown(defaults)
                }
            let line = "\(space)\(key)  \(name(of: field.type)); \(presence). \(field.summary)"
            return [line] + nested(field.type, indentation: indentation + 2)
        }
    }

    private static func nested(_ type: OptionType, indentation: Int) -> [String] {
        switch type {
        case .object(let schema): lines(for: schema.fields, indentation: indentation)
        case .list(let element), .map(let element): nested(element, indentation: indentation)
        default: []
        }
    }

    private static func name(of type: OptionType) -> String {
        switch type {
        case .secret: "text, never printed"
        case .list(let element): "list of: \(name(of: element))"
        case .map(let element): "mapping of names to: \(name(of: element))"
        case .plugin(let kind): kind.rawValue
        default: type.expectation
        }
    }
}
