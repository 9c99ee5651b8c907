extension RunCounts {
    /// The counts as a run and a checkpoint hold them, tables by name; what isn't known is null:
    /// `{"records":3,"found":2,"absent":1,"failed":0,…,"added":null,…,"rows":{"users":3}}`.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("records", records)
            for counter in Self.counters where self[counter] != 0 || counter.isStoredAtZero {
                writer.member(counter.name, self[counter])
            }
            for (name, value) in EndpointChanges.names { writer.member(name, changes?[keyPath: value]) }
            if let files {
                writer.key("files")
                files.write(to: &writer)
            }
            writer.key("rows")
            writer.object { writer in
                for (table, count) in rows.sorted(by: { $0.key < $1.key }) {
                    writer.member(table, count)
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
        for counter in Self.counters {
            if let node = root[counter.name] { self[counter] = try count(node, counter.name) }
        }
        if let added = root["added"], added.kind != .null {
            var known = EndpointChanges()
            for (name, value) in EndpointChanges.names {
                if let node = root[name] { known[keyPath: value] = try count(node, name) }
            }
            changes = known
        }
        if let node = root["files"] {
            files = ArchiveFileCounts(
                read: try node["read"].map { try count($0, "files.read") } ?? 0,
                leftOut: try node["left_out"].map { try count($0, "files.left_out") } ?? 0)
        }
        for (table, node) in root["rows"]?.members ?? [] { rows[table] = try count(node, "rows.\(table)") }
    }
}
