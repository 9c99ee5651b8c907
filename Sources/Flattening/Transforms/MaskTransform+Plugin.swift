public import PipelineCore

extension MaskTransform: Plugin {
    public static let kind = PluginKind.transform
    public static let typeName = "mask"
    public static let summary = "Puts something else in the place of values, wherever they would stand."
    public static let schema = OptionSchema([
        OptionField(
            "paths", .list(.fieldPath), .required,
            "The members, such as Address, Attributes.plan or [Attributes, e.mail]; \"*\" is every name of a map."),
        OptionField(
            "with", .enumeration(["redact", "hmac-sha256"]), .required,
            "redact: ***; hmac-sha256: the hash of the value's UTF-8 under 'key' in lower-case hex, which tells equal "
                + "values from others. IDs take nothing else."),
        OptionField("key", .secret, .optional, "The key of hmac-sha256, 16 bytes or more."),
    ])

    /// The shortest key that is worth the name, in bytes.
    static let shortestKey = 16

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        let paths = try MemberPath.list(options, "paths")
        let usesHash = options.text("with") == "hmac-sha256"
        for (place, path) in paths.enumerated() {
            for id in MemberPath.ids {
                let name = id.joined(separator: ".")
                let option = ["paths", String(place)]
                if path.leadsAround(id) {
                    throw OptionError(
                        path: option,
                        "can't mask '\(path.text)' as a whole, which holds \(name), an ID (name the members)")
                }
                if path.leads(to: id), !usesHash {
                    throw OptionError(
                        path: option,
                        "can't redact '\(path.text)': the ID \(name) takes hmac-sha256 only, or rows of "
                            + "different users would be the same")
                }
            }
        }
        try MemberPath.checkNeeded(paths, "paths", context)
        let key = options.secret("key")?.reveal()
        guard usesHash else {
            if key != nil { throw OptionError("key", "is for hmac-sha256; 'redact' has no key") }
            return MaskTransform(paths: paths, method: .redact)
        }
        guard let key else { throw OptionError("key", "is missing: hmac-sha256 needs a secret key") }
        guard key.utf8.count >= shortestKey else {
            throw OptionError("key", "has fewer than \(shortestKey) bytes, which can be guessed")
        }
        return MaskTransform(paths: paths, method: .hmac(HMACText(key: Array(key.utf8))))
    }
}
