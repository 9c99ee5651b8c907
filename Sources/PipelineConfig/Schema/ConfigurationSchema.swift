public import PipelineCore

/// Writes the JSON Schema of the configuration, from the same option schemas that decode it.
public enum ConfigurationSchema {
    /// JSON Schema (2020-12) of a whole pipeline with the plugins that a registry knows; pretty-printed, always the
    /// same for the same registry, with a newline at the end.
    ///
    /// Bounds of durations and sizes stand in the descriptions, since JSON Schema can't compare such texts.
    public static func jsonSchema(registry: PluginRegistry) -> String {
        var definitions: [(String, JSONValue)] = [("interpolated", interpolated)]
        for kind in PluginKind.allCases {
            definitions.append((name(kind), choice(of: kind, registry)))
            for factory in registry.factories where factory.kind == kind {
                definitions.append((name(kind, factory.typeName), plugin(factory)))
            }
        }
        var members: [(String, JSONValue)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("A Sluice pipeline")),
        ]
        members += self.members(of: PipelineSchema.schema.fields, PipelineSchema.schema.rules)
        members.append(
            (
                "patternProperties",
                .object([
                    (
                        "^\(PipelineSchema.freePrefix)",
                        .object([("description", .string("ignored; a place for anchors"))])
                    )
                ])
            ))
        members.append(("$defs", .object(definitions)))
        return JSONValue.object(members).pretty() + "\n"
    }

    /// Text with a reference to a variable or a file, which may stand where any value is asked for.
    private static let interpolated = JSONValue.object([
        ("description", .string("${NAME}, ${NAME:-default} or ${file:PATH}")),
        ("type", .string("string")), ("pattern", .string(RuleSchema.reference)),
    ])

    private static let interpolatedReference = JSONValue.object([
        ("$ref", .string("#/$defs/interpolated"))
    ])

    private static func name(_ kind: PluginKind, _ type: String? = nil) -> String {
        let kind = kind.rawValue.split(separator: " ").joined(separator: "_")
        return type.map { "\(kind).\($0)" } ?? kind
    }

    // MARK: Plugins

    /// A mapping whose other options depend on its `type`.
    private static func choice(of kind: PluginKind, _ registry: PluginRegistry) -> JSONValue {
        let factories = registry.factories.filter { $0.kind == kind }
        let types = JSONValue.object([
            (
                "anyOf",
                .array([
                    .object([("enum", .array(factories.map { .string($0.typeName) }))]),
                    interpolatedReference,
                ])
            )
        ])
        var members: [(String, JSONValue)] = [
            ("type", .string("object")), ("required", .array([.string("type")])),
            ("properties", .object([("type", types)])),
        ]
        let branches = factories.map { factory in
            JSONValue.object([
                (
                    "if",
                    .object([
                        ("properties", .object([("type", .object([("const", .string(factory.typeName))]))])),
                        ("required", .array([.string("type")])),
                    ])
                ),
                ("then", .object([("$ref", .string("#/$defs/" + name(kind, factory.typeName)))])),
            ])
        }
        // An empty list of branches is not allowed.
        if !branches.isEmpty { members.append(("allOf", .array(branches))) }
        return .object(members)
    }

    private static func plugin(_ factory: PluginFactory) -> JSONValue {
        let host = OptionDecoder.hostFields(factory.kind)
        let own = factory.schema.fields.filter { field in !host.contains { $0.key == field.key } }
        let type = OptionField("type", .enumeration([factory.typeName]), .required, factory.summary)
        return .object(
            [("description", .string(factory.summary))]
                + members(of: [type] + host + own, factory.schema.rules))
    }

    private static func members(of fields: [OptionField], _ rules: [OptionRule] = []) -> [(
        String, JSONValue
    )] {
        let required = fields.filter { if case .required = $0.presence { true } else { false } }
        return [
            ("type", .string("object")),
            ("required", .array(required.map { .string($0.key) })),
            ("properties", .object(fields.map { ($0.key, property($0)) })),
            ("additionalProperties", .boolean(false)),
        ] + RuleSchema.members(of: rules)
    }

    private static func property(_ field: OptionField) -> JSONValue {
        var members: [(String, JSONValue)] = [("description", .string(description(of: field)))]
        if case .defaulted(let yaml) = field.presence, let value = defaultValue(yaml, as: field.type) {
            members.append(("default", value))
        }
        members += type(field.type, names: field.pathNames)
        if let expression = field.expression {
            members.append(anyOf([("pattern", .string(expression))]))
        }
        switch field.type {
        case .list(.plugin(.sink)):
            members += [("minItems", .integer(1)), ("uniqueItems", .boolean(true))]
        // Two equal entries have one name, or say one thing twice.
        case .list(.object): members.append(("uniqueItems", .boolean(true)))
        default: break
        }
        return .object(members)
    }

    private static func description(of field: OptionField) -> String {
        switch field.type {
        case .duration, .size: "\(field.summary) (\(field.type.expectation))"
        default: field.summary
        }
    }

    // MARK: Types

    /// A scalar's own text is taken whatever YAML makes of it, so text may look like a number or a boolean.
    private static let textTypes = JSONValue.array([
        .string("string"), .string("number"), .string("boolean"),
    ])

    private static func type(_ type: OptionType, names: PathNames? = nil) -> [(String, JSONValue)] {
        switch type {
        case .text: return [("type", textTypes)]
        case .pattern(let pattern):
            return [
                ("type", textTypes),
                anyOf([
                    ("pattern", .string(pattern.expression)),
                    ("not", .object([("type", .string("string")), ("pattern", .string(placeholder))])),
                ]),
            ]
        case .secret: return [("type", textTypes), ("minLength", .integer(1))]
        case .boolean: return [anyOf([("type", .string("boolean"))])]
        case .integer(let range):
            var members: [(String, JSONValue)] = [("type", .string("integer"))]
            if range.lowerBound > .min { members.append(("minimum", .integer(range.lowerBound))) }
            if range.upperBound < .max { members.append(("maximum", .integer(range.upperBound))) }
            return [anyOf(members)]
        case .number(let range):
            var members: [(String, JSONValue)] = [("type", .string("number"))]
            if range.lowerBound > -.greatestFiniteMagnitude {
                members.append(("minimum", .number(range.lowerBound)))
            }
            if range.upperBound < .greatestFiniteMagnitude {
                members.append(("maximum", .number(range.upperBound)))
            }
            return [anyOf(members)]
        case .enumeration(let names): return [anyOf([("enum", .array(names.map(JSONValue.string)))])]
        case .duration:
            return [
                ("type", .string("string")), anyOf([("pattern", .string("^(0|[1-9][0-9]*)(ms|s|m|h|d)$"))]),
            ]
        case .size:
            return [
                ("type", .string("string")), anyOf([("pattern", .string("^(0|[1-9][0-9]*)(B|KB|MB|GB)$"))]),
            ]
        case .shareOrCount:
            let share = #"^(100(\.0+)?|[1-9]?[0-9](\.[0-9]+)?)%$"#
            return [
                anyOf(
                    [("type", .string("integer")), ("minimum", .integer(0))],
                    [("type", .string("string")), ("pattern", .string(share))])
            ]
        case .path(let allowsDash):
            return [
                ("type", textTypes), ("minLength", .integer(1)),
                anyOf([
                    ("pattern", .string(path)),
                    ("not", allowsDash ? .boolean(false) : .object([("const", .string("-"))])),
                ]),
            ]
        case .fieldPath: return [fieldPath(names)]
        case .list(let element):
            return [("type", .string("array")), ("items", .object(self.type(element, names: names)))]
        case .map(let element):
            var members: [(String, JSONValue)] = [
                ("type", .string("object")), ("additionalProperties", .object(self.type(element))),
            ]
            if let names {
                members.append(("propertyNames", .object([("pattern", .string(names.expression))])))
            }
            return members
        case .object(let schema): return members(of: schema.fields, schema.rules)
        case .document: return []
        case .plugin(let kind): return [("$ref", .string("#/$defs/" + name(kind)))]
        }
    }

    /// What a template or a shell should have filled in.
    private static let placeholder = #"\$[A-Za-z_(]|\{\{.+\}\}|<.+>"#

    /// No `~`, no scheme of a URL, nothing that a template or a shell should have filled in.
    private static let path =
        #"^(?!~|[A-Za-z][A-Za-z0-9+.-]*:/|[fF][iI][lL][eE]:)(?!.*(\$[A-Za-z_(]|\{\{.+\}\}|<.+>))"#

    private static func fieldPath(_ names: PathNames?) -> (String, JSONValue) {
        if let names {
            // A reference may be a part of it, so that the whole isn't known.
            return (
                "anyOf",
                .array(
                    [.object([("type", textTypes), ("pattern", .string(names.expression))])]
                        + names.alternatives + [
                            interpolatedReference
                        ])
            )
        }
        return anyOf(
            [("type", textTypes), ("pattern", .string(#"^[^.]+(\.[^.]+)*$"#))],
            [
                ("type", .string("array")), ("minItems", .integer(1)),
                ("items", .object([("type", textTypes), ("minLength", .integer(1))])),
            ])
    }

    /// One of these, or text that is still to be interpolated.
    private static func anyOf(_ alternatives: [(String, JSONValue)]...) -> (String, JSONValue) {
        ("anyOf", .array(alternatives.map(JSONValue.object) + [interpolatedReference]))
    }

    // MARK: Defaults

    private static func defaultValue(_ yaml: String, as type: OptionType) -> JSONValue? {
        var diagnostics = DiagnosticCollector(file: "")
        return PipelineDocument(yaml: yaml, diagnostics: &diagnostics).flatMap {
            json($0.root, as: type)
        }
    }

    private static func json(_ node: DocumentNode, as type: OptionType) -> JSONValue? {
        switch node.content {
        case .sequence(let items):
            let element = if case .list(let element) = type { element } else { OptionType.text }
            return .array(items.compactMap { json($0, as: element) })
        case .mapping(let entries):
            return .object(
                entries.compactMap { entry in
                    let element: OptionType =
                        switch type {
                        case .map(let element): element
                        case .object(let schema): schema.field(entry.key)?.type ?? .text
                        default: .text
                        }
                    return json(entry.value, as: element).map { (entry.key, $0) }
                })
        case .scalar(let text, _):
            switch type {
            case .boolean: return .boolean(text == "true")
            case .integer, .shareOrCount:
                return ScalarForms.integer(text).map(JSONValue.integer) ?? .string(text)
            case .number:
                if let whole = ScalarForms.integer(text) { return .integer(whole) }
                return ScalarForms.number(text).map(JSONValue.number) ?? .string(text)
            // A secret has no default worth showing.
            case .secret: return nil
            default: return .string(text)
            }
        }
    }
}
