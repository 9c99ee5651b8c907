public import PipelineCore

/// Takes members out of endpoints: no row, no `extra` has them.
public struct DropTransform: Transform, Plugin {
    public static let kind = PluginKind.transform
    public static let typeName = "drop"
    public static let summary = "Takes members out of endpoints, as if the answer didn't have them."
    public static let schema = OptionSchema(
        [
            OptionField(
                "paths", .list(.fieldPath), .required,
                "The members, such as Address, Attributes.plan or [Attributes, e.mail]; \"*\" is every name of a map."
            )
            .naming(EndpointModel.paths)
        ],
        rules: [MemberPath.ruleOfList("paths")]
            + MemberPath.idPaths.map { id in
                OptionRule(
                    .without("paths", path: id.path),
                    id.isAround
                        ? "can't drop '\(id.text)', which holds \(id.id): an ID can't be dropped (name the other members)"
                        : "can't drop '\(id.text)': an ID can't be dropped (mask it with hmac-sha256)")
            })

    private let paths: [MemberPath]

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        try schema.requireRules(options)
        let paths = try MemberPath.list(options, "paths")
        try OptionErrors.requireNone(MemberPath.neededAmong(paths, "paths", context))
        return DropTransform(paths: paths)
    }

    public var hidesValues: Bool { true }
    public var mayTakeOut: Bool { false }
    public var namedMembers: [[String]] { paths.map(\.names) }

    public func apply(to endpoints: inout EndpointTape) {
        for endpoint in endpoints.allIndexes {
            for path in paths { endpoints.tape.dropMembers(at: path.steps, below: endpoint) }
        }
    }
}
