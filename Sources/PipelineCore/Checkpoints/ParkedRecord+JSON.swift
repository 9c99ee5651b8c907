extension [ParkedRecord] {
    /// The list as a checkpoint holds it: `[{"ordinal":7,"position":{…}}]`.
    public var json: String {
        var writer = JSONWriter()
        writer.array { writer in
            for record in self {
                writer.object { writer in
                    writer.key("ordinal")
                    writer.value(record.ordinal)
                    writer.key("position")
                    record.position.write(to: &writer)
                }
            }
        }
        return writer.text
    }

    /// - Throws: `CheckpointDecodingError` for text that isn't such a list.
    public init(json: String) throws {
        let root = try CheckpointDecodingError.root(of: json, "the list of parked users")
        guard root.kind == .array else { throw CheckpointDecodingError("the list of parked users isn't a list") }
        self = try root.elements.map { node in
            guard let ordinal = node["ordinal"]?.integer, ordinal >= 0, let position = node["position"] else {
                throw CheckpointDecodingError("a parked user has no ordinal or no position")
            }
            return ParkedRecord(ordinal: Int(ordinal), position: try Position(position))
        }
    }
}
