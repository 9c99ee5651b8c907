public import PipelineCore

extension FilterTransform: Plugin {
    public static let kind = PluginKind.transform
    public static let typeName = "filter"
    public static let summary = "Keeps the endpoints that meet all conditions; in merge, the others go from the tables."
    public static let schema = OptionSchema([
        OptionField(
            "where", .map(.list(.text)), .optional,
            "Paths with the values of which one must stand there: {ChannelType: [EMAIL, SMS]}; of a list any element "
                + "counts."),
        OptionField(
            "path", .fieldPath, .optional,
            "One path, such as EndpointStatus or [Attributes, e.mail], for one of 'in', 'not_in' and 'null'."),
        OptionField("in", .list(.text), .optional, "One of these stands at 'path'."),
        OptionField("not_in", .list(.text), .optional, "None of these stands at 'path'; nothing at all is fine."),
        OptionField(
            "null", .boolean, .optional,
            "true: nothing stands at 'path', or nulls and what is empty; false: something does."),
    ])

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        var conditions: [Condition] = []
        if case .map(let entries) = options["where"] {
            for (key, value) in entries {
                let names = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                let path: MemberPath
                do { path = try MemberPath(names, option: ["where", key]) } catch var error as OptionError {
                    error.isAboutKey = true
                    throw error
                }
                conditions.append(Condition(path: path, test: .isIn(try texts(value, ["where", key]))))
            }
            if entries.isEmpty { throw OptionError("where", "names no path") }
        }
        if let condition = try condition(options) { conditions.append(condition) }
        guard !conditions.isEmpty else {
            throw OptionError("where", "is missing, or 'path' with 'in', 'not_in' or 'null'")
        }
        return FilterTransform(conditions: conditions)
    }

    /// The condition of `path`.
    private static func condition(_ options: Options) throws -> Condition? {
        let tests = ["in", "not_in", "null"].filter { options[$0] != nil }
        guard let names = options.names("path") else {
            if let test = tests.first { throw OptionError(test, "needs a 'path'") }
            return nil
        }
        guard tests.count == 1, let test = tests.first else {
            if tests.isEmpty { throw OptionError("path", "needs 'in', 'not_in' or 'null' beside it") }
            throw OptionError(tests[1], "stands beside '\(tests[0])'; one of 'in', 'not_in', 'null' goes with 'path'")
        }
        let path = try MemberPath(names, option: ["path"])
        switch test {
        case "null": return Condition(path: path, test: options.boolean("null") == true ? .isNull : .isNotNull)
        case "in": return Condition(path: path, test: .isIn(try texts(options["in"], ["in"])))
        default: return Condition(path: path, test: .isNotIn(try texts(options["not_in"], ["not_in"])))
        }
    }

    private static func texts(_ value: OptionValue?, _ option: [String]) throws -> Set<[UInt8]> {
        guard case .list(let values) = value, !values.isEmpty else {
            throw OptionError(path: option, "lists no value")
        }
        return Set(
            values.compactMap { value in
                if case .text(let text) = value { Array(text.utf8) } else { nil }
            })
    }
}
