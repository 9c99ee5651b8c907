public import PipelineCore

extension FilterTransform: Plugin {
    public static let kind = PluginKind.transform
    public static let typeName = "filter"
    public static let summary = "Keeps the endpoints that meet all conditions; in merge, the others go from the tables."
    public static let schema = OptionSchema(
        [
            OptionField(
                "where", .map(.list(.text)), .optional,
                "Paths with the values of which one must stand there: {ChannelType: [EMAIL, SMS]}; of a list any element "
                    + "counts."
            ).naming(EndpointModel.paths),
            OptionField(
                "path", .fieldPath, .optional,
                "One path, such as EndpointStatus or [Attributes, e.mail], for one of 'in', 'not_in' and 'null'."
            ).naming(EndpointModel.paths),
            OptionField("in", .list(.text), .optional, "One of these stands at 'path'."),
            OptionField("not_in", .list(.text), .optional, "None of these stands at 'path'; nothing at all is fine."),
            OptionField(
                "null", .boolean, .optional,
                "true: nothing stands at 'path', or nulls and what is empty; false: something does."),
        ], rules: rules)

    /// What goes with 'path'.
    private static let tests = ["in", "not_in", "null"]

    private static let rules: [OptionRule] =
        [
            OptionRule(
                .given("where"), where: [.missing("path")] + tests.map { .missing($0) },
                "is missing, or 'path' with 'in', 'not_in' or 'null'"),
            OptionRule(
                .missing("path"), where: tests.map { .missing($0) }, "needs 'in', 'not_in' or 'null' beside it"),
            OptionRule(.notEmpty("where"), "names no path"), OptionRule(.valuesNotEmpty("where"), "lists no value"),
            OptionRule(.notEmpty("in"), "lists no value"), OptionRule(.notEmpty("not_in"), "lists no value"),
        ]
        + tests.map { OptionRule(.missing($0), where: [.missing("path")], "needs a 'path'") }
        + tests.indices.flatMap { later in
            tests[..<later].map { earlier in
                OptionRule(
                    .missing(tests[later]), where: [.given("path"), .given(earlier)],
                    "stands beside '\(earlier)'; one of 'in', 'not_in', 'null' goes with 'path'")
            }
        }

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        try schema.requireRules(options)
        var conditions: [Condition] = []
        if case .map(let entries) = options["where"] {
            for (key, value) in entries {
                let names = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                conditions.append(
                    Condition(
                        path: try MemberPath(names, option: ["where", key], isKey: true), test: .isIn(texts(value))))
            }
        }
        if let names = options.names("path") {
            let path = try MemberPath(names, option: ["path"])
            if let null = options.boolean("null") {
                conditions.append(Condition(path: path, test: null ? .isNull : .isNotNull))
            } else if let values = options["in"] {
                conditions.append(Condition(path: path, test: .isIn(texts(values))))
            } else if let values = options["not_in"] {
                conditions.append(Condition(path: path, test: .isNotIn(texts(values))))
            }
        }
        return FilterTransform(conditions: conditions)
    }

    private static func texts(_ value: OptionValue) -> Set<[UInt8]> {
        guard case .list(let values) = value else { return [] }
        return Set(
            values.compactMap { value in
                if case .text(let text) = value { Array(text.utf8) } else { nil }
            })
    }
}
