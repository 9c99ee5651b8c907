extension RunCounts {
    /// The counts as a run and a checkpoint hold them, every key present, tables by name:
    /// `{"records":3,"found":2,"absent":1,"failed":0,…,"rows":{"users":3}}`. `invalid` alone is left out where it is 0:
    /// earlier versions don't know it, and pass over it.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            for (name, value) in [("records", records)] + Self.members.map({ ($0, self[keyPath: $1]) }) {
                if name == "invalid", value == 0 { continue }
                writer.key(name)
                writer.value(value)
            }
            writer.key("rows")
            writer.object { writer in
                for (table, count) in rows.sorted(by: { $0.key < $1.key }) {
                    writer.key(table)
                    writer.value(count)
                }
            }
        }
        return writer.text
    }

    /// Counts that are missing are 0: an earlier version may not have known them. `records` is a sum and isn't read.
    ///
    /// - Throws: `CheckpointDecodingError` for text that isn't such an object.
    public init(json: String) throws {
        func count(_ node: JSONNode, _ name: String) throws -> Int {
            guard let count = node.integer else { throw CheckpointDecodingError("the count '\(name)' isn't a number") }
            return Int(count)
        }
        let root = try CheckpointDecodingError.root(of: json, "the counts")
        guard root.kind == .object else { throw CheckpointDecodingError("the counts aren't an object") }
        self.init()
        for (name, member) in Self.members {
            if let node = root[name] { self[keyPath: member] = try count(node, name) }
        }
        for (table, node) in root["rows"]?.members ?? [] { rows[table] = try count(node, "rows.\(table)") }
    }

    /// The names as the columns spell them.
    private static var members: [(String, WritableKeyPath<RunCounts, Int>)] {
        [
            ("found", \.found), ("absent", \.absent), ("failed", \.failed), ("invalid", \.invalid),
            ("endpoints", \.endpoints),
            ("superseded", \.superseded), ("removed", \.removed), ("previous_endpoints", \.previousEndpoints),
            ("refused", \.refused), ("filtered", \.filtered), ("not_numbers", \.notNumbers),
            ("other_shards", \.elsewhere),
        ]
    }
}
