internal import PipelineCore

/// A path of a transform: names from the outside in, `*` being every name of a map.
struct MemberPath: Sendable {
    let names: [String]
    let steps: [JSONPathStep]

    /// - Throws: `OptionError` at `option` where no value can stand at the path.
    init(_ names: [String], option: [String]) throws {
        if let problem = EndpointModel.endpoint.problem(with: names, allowsUnknown: false) {
            throw OptionError(path: option, problem)
        }
        self.names = names
        steps = names.map { JSONPathStep($0) }
    }

    /// Whether the path leads to this one.
    func leads(to other: [String]) -> Bool { names.count == other.count && isPrefix(of: other) }

    /// Whether the path leads to a map around this one.
    func leadsAround(_ other: [String]) -> Bool { names.count < other.count && isPrefix(of: other) }

    private func isPrefix(of other: [String]) -> Bool { zip(names, other).allSatisfy { $0 == "*" || $0 == $1 } }

    var text: String { names.joined(separator: ".") }
}

extension MemberPath {
    static let id = ["Id"]
    static let applicationID = ["ApplicationId"]
    static let userID = ["User", "UserId"]
    /// The IDs that rows are found by.
    static let ids = [id, applicationID, userID]

    /// What is wrong with paths that hide what they lead to: each one's problem, or that the run goes by what it hides.
    static func problems(
        with paths: [MemberPath], _ key: String, _ context: PluginContext, _ problem: (MemberPath) -> String?
    ) -> [OptionError] {
        paths.enumerated().compactMap { place, path in
            let needed = context.neededMembers.first { path.leads(to: $0) || path.leadsAround($0) }.map { member in
                "can't hide '\(member.joined(separator: "."))', by which 'conflict: newest' tells which of two records "
                    + "counts (leave it, or set 'conflict: last')"
            }
            return (problem(path) ?? needed).map { OptionError(path: [key, String(place)], $0) }
        }
    }

    /// An option that takes paths has at least one.
    static func ruleOfList(_ key: String) -> OptionRule { OptionRule(.notEmpty(key), "names no path") }

    /// The paths of an option that is a list of them.
    static func list(_ options: Options, _ key: String) throws -> [MemberPath] {
        try (options.list(key) ?? []).enumerated().map { place, value in
            guard case .fieldPath(let names) = value else { throw OptionError(key, "must be a list of paths") }
            return try MemberPath(names, option: [key, String(place)])
        }
    }
}
