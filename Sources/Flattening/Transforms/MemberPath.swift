internal import PipelineCore

/// A path of a transform: names from the outside in, `*` being every name of a map.
struct MemberPath: Sendable {
    let names: [String]
    let steps: [JSONPathStep]

    /// - Throws: `OptionError` at `option`, or at its key, where no value can stand at the path.
    init(_ names: [String], option: [String], isKey: Bool = false) throws {
        if let problem = EndpointModel.endpoint.problem(with: names, allowsUnknown: false) {
            var error = OptionError(path: option, problem)
            error.isAboutKey = isKey
            throw error
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

    /// Paths that hide a member by which the run goes.
    static func neededAmong(_ paths: [MemberPath], _ key: String, _ context: PluginContext) -> [OptionError] {
        paths.enumerated().compactMap { place, path in
            context.neededMembers.first { path.leads(to: $0) || path.leadsAround($0) }.map { member in
                OptionError(
                    path: [key, String(place)],
                    "can't hide '\(member.joined(separator: "."))', by which 'conflict: newest' tells which of two records "
                        + "counts (leave it, or set 'conflict: last')")
            }
        }
    }

    /// A path that leads to an ID, or around one.
    struct IDPath: Sendable {
        var path: [String]
        /// The ID's, with dots.
        var id: String
        var isAround: Bool

        var text: String { path.joined(separator: ".") }
    }

    /// All paths that lead to IDs or around them, each once: a path that does both counts as one around an ID.
    static let idPaths: [IDPath] = {
        var found: [IDPath] = []
        for id in ids {
            var paths: [[String]] = [[]]
            for (depth, name) in id.enumerated() {
                paths = paths.flatMap { [$0 + [name], $0 + ["*"]] }
                let isAround = depth < id.count - 1
                for path in paths {
                    if let index = found.firstIndex(where: { $0.path == path }) {
                        guard isAround, !found[index].isAround else { continue }
                        found.remove(at: index)
                    }
                    found.append(IDPath(path: path, id: id.joined(separator: "."), isAround: isAround))
                }
            }
        }
        return found
    }()

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
