internal import PipelineCore

/// What the rules of an option schema, and the paths that an option takes, are in JSON Schema.
enum RuleSchema {
    /// A condition with what follows from it; nothing where a rule always holds.
    static func members(of rules: [OptionRule]) -> [(String, JSONValue)] {
        rules.isEmpty ? [] : [("allOf", .array(rules.map(rule)))]
    }

    private static func rule(_ rule: OptionRule) -> JSONValue {
        let demand = self.demand(rule.demand)
        guard !rule.conditions.isEmpty else { return demand }
        let conditions = rule.conditions.map(condition)
        let condition = conditions.count == 1 ? conditions[0] : .object([("allOf", .array(conditions))])
        return .object([("if", condition), ("then", demand)])
    }

    private static func condition(_ condition: OptionRule.Condition) -> JSONValue {
        switch condition {
        case .given(let key): given(key)
        case .missing(let key): missing(key)
        case .isOneOf(let key, let texts):
            given(key, .object([("enum", .array(texts.map(JSONValue.string)))]))
        case .isBoolean(let key, let flag): given(key, .object([("const", .boolean(flag))]))
        case .isLike(let key, let pattern):
            // A list of names has no text, and what is still to be put in isn't known.
            given(key, .object([("anyOf", .array([text(like: pattern)] + numbers(like: pattern)))]))
        }
    }

    private static func text(like pattern: TextPattern) -> JSONValue {
        .object([
            ("type", .string("string")), ("pattern", .string(pattern.expression)),
            ("not", .object([("pattern", .string(reference))])),
        ])
    }

    /// The whole numbers that a pattern takes where they aren't in quotes: JSON Schema matches text alone.
    private static func numbers(like pattern: TextPattern) -> [JSONValue] {
        [("-1", "exclusiveMaximum"), ("0", "const"), ("1", "exclusiveMinimum")]
            .filter { pattern.accepts($0.0) }
            .map { .object([("type", .string("integer")), ($0.1, .integer(0))]) }
    }

    /// What a text with a reference looks like.
    static let reference = #"(^|[^$])\$\{"#

    private static func demand(_ demand: OptionRule.Demand) -> JSONValue {
        switch demand {
        case .given(let key): given(key)
        case .missing(let key): .object([("properties", .object([(key, .boolean(false))]))])
        case .notEmpty(let key): property(key, notEmpty)
        case .without(let key, let path):
            property(key, [("items", .object([("not", .object([("enum", forms(of: path))]))]))])
        case .valuesNotEmpty(let key):
            property(key, [("additionalProperties", .object(notEmpty))])
        case .within(let key, let range):
            property(key, [("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound))])
        }
    }

    private static var notEmpty: [(String, JSONValue)] {
        [("minItems", .integer(1)), ("minProperties", .integer(1))]
    }

    private static func property(_ key: String, _ members: [(String, JSONValue)]) -> JSONValue {
        .object([("properties", .object([(key, .object(members))]))])
    }

    /// A path with dots, and as a list.
    private static func forms(of path: [String]) -> JSONValue {
        .array([.string(path.joined(separator: ".")), .array(path.map(JSONValue.string))])
    }

    private static func given(_ key: String, _ value: JSONValue? = nil) -> JSONValue {
        var members: [(String, JSONValue)] = [("required", .array([.string(key)]))]
        if let value { members.append(("properties", .object([(key, value)]))) }
        return .object(members)
    }

    private static func missing(_ key: String) -> JSONValue { .object([("not", given(key))]) }
}

extension PathNames {
    /// A regular expression for dotted paths.
    var expression: String { "^\(Self.expression(root, isFirst: true))$" }

    private static func expression(_ node: Node, isFirst: Bool = false) -> String {
        switch node {
        case .end: return ""
        case .anyName: return isFirst ? "[^.]+" : #"(\.[^.]+)?"#
        case .members(let members):
            var groups: [(rest: String, names: [String])] = []
            for (name, node) in members {
                let rest = expression(node)
                if let index = groups.firstIndex(where: { $0.rest == rest }) {
                    groups[index].names.append(name)
                } else {
                    groups.append((rest, [name]))
                }
            }
            // A star stands for any of them, so what one of them is may follow.
            let choices = groups.map { "(\(($0.names + [#"\*"#]).joined(separator: "|")))\($0.rest)" }
            let choice = "(\(choices.joined(separator: "|")))"
            return isFirst ? choice : "(\\.\(choice))?"
        }
    }

    /// The same for paths that are lists.
    var alternatives: [JSONValue] {
        Self.alternatives(root).map { names in
            let items = names.map { names in
                names.map { JSONValue.object([("enum", .array($0.map(JSONValue.string)))]) }
                    ?? .boolean(true)
            }
            return .object([
                ("type", .string("array")), ("minItems", .integer(1)), ("maxItems", .integer(items.count)),
                ("prefixItems", .array(items)),
            ])
        }
    }

    /// For each way through the tree the names at each depth; nil is any name.
    private static func alternatives(_ node: Node) -> [[[String]?]] {
        switch node {
        case .end: return [[]]
        case .anyName: return [[nil]]
        case .members(let members):
            var ways: [(names: [String], rest: [[String]?])] = []
            for (name, node) in members {
                for rest in alternatives(node) {
                    if let index = ways.firstIndex(where: { $0.rest == rest }) {
                        ways[index].names.append(name)
                    } else {
                        ways.append(([name], rest))
                    }
                }
            }
            return ways.map { [$0.names + ["*"]] + $0.rest }
        }
    }
}
