public import PipelineCore

extension MaskTransform: Plugin {
    public static let kind = PluginKind.transform
    public static let typeName = "mask"
    public static let summary = "Puts something else in the place of values, wherever they would stand."
    public static let schema = OptionSchema(
        [
            OptionField(
                "paths", .list(.fieldPath), .required,
                "The members, such as Address, Attributes.plan or [Attributes, e.mail]; \"*\" is every name of a map."
            )
            .naming(EndpointModel.paths),
            OptionField(
                "with", .enumeration(["redact", "hmac-sha256"]), .required,
                "redact: ***; hmac-sha256: the hash of the value's UTF-8 under 'key' in lower-case hex, which tells equal "
                    + "values from others. IDs take nothing else."),
            OptionField("key", .secret, .optional, "The key of hmac-sha256, 16 bytes or more.")
                .like("^(?![\\x00-\\x7F]{1,\(shortestKey - 1)}$)")
                .checked { value in
                    guard case .secret(let key) = value, key.reveal().utf8.count < shortestKey else { return [] }
                    return [OptionError(path: [], "has fewer than \(shortestKey) bytes, which can be guessed")]
                },
        ],
        rules: [
            MemberPath.ruleOfList("paths"),
            OptionRule(
                .given("key"), where: [.isOneOf("with", ["hmac-sha256"])], "is missing: hmac-sha256 needs a secret key"),
            OptionRule(
                .missing("key"), where: [.isOneOf("with", ["redact"])], "is for hmac-sha256; 'redact' has no key"),
        ] + MemberPath.idPaths.map(rule))

    /// IDs are what rows are found by.
    private static func rule(_ id: MemberPath.IDPath) -> OptionRule {
        id.isAround
            ? OptionRule(
                .without("paths", path: id.path),
                "can't mask '\(id.text)' as a whole, which holds \(id.id), an ID (name the members)")
            : OptionRule(
                .without("paths", path: id.path), where: [.isOneOf("with", ["redact"])],
                "can't redact '\(id.text)': the ID \(id.id) takes hmac-sha256 only, or rows of different users would be the "
                    + "same")
    }

    /// The shortest key that is worth the name, in bytes.
    static let shortestKey = 16

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        try schema.requireRules(options)
        let paths = try MemberPath.list(options, "paths")
        try OptionErrors.requireNone(MemberPath.neededAmong(paths, "paths", context))
        guard options.text("with") == "hmac-sha256", let key = options["key"], case .secret(let secret) = key else {
            return MaskTransform(paths: paths, method: .redact)
        }
        if var error = schema.field("key")?.problems(key).first {
            error.path = ["key"]
            throw error
        }
        return MaskTransform(paths: paths, method: .hmac(HMACText(key: Array(secret.reveal().utf8))))
    }
}
