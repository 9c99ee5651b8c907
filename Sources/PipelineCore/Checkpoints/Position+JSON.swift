extension Position {
    /// The position as a checkpoint holds it: `{"offset":1024,"line":12}`. What is zero or empty is left out.
    public var json: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text
    }

    /// - Throws: `CheckpointDecodingError` for text that isn't a position.
    public init(json: String) throws {
        try self.init(CheckpointDecodingError.root(of: json, "a position"))
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            if !token.isEmpty {
                writer.key("token")
                writer.value(token)
            }
            for (name, value) in [("offset", offset), ("member", member), ("line", line)] where value != 0 {
                writer.key(name)
                writer.value(value)
            }
        }
    }

    init(_ node: JSONNode) throws {
        func number(_ name: String) throws -> UInt64 {
            guard let value = node[name] else { return 0 }
            guard value.kind == .number, let number = UInt64(value.numberText) else {
                throw CheckpointDecodingError("a position's '\(name)' isn't a whole number")
            }
            return number
        }
        guard node.kind == .object else { throw CheckpointDecodingError("a position isn't an object") }
        var token = ""
        if let value = node["token"] {
            guard let text = value.text else { throw CheckpointDecodingError("a position's 'token' isn't a text") }
            token = text
        }
        self.init(
            token: token, offset: try number("offset"), member: try number("member"), line: try number("line"))
    }
}
