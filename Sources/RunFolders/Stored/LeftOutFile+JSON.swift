internal import PipelineCore

/// The files that a run has left out, as checkpoint file and manifest name them; the counts have their whole number.
extension [LeftOutFile] {
    /// No more of them are named.
    static var limit: Int { 1000 }

    /// With those of another batch, as many as are named.
    func adding(_ more: [LeftOutFile]) -> [LeftOutFile] {
        more.isEmpty || count >= Self.limit ? self : self + more.prefix(Self.limit - count)
    }

    /// Writes the member `left_out` of an object, where there are any.
    func write(to writer: inout JSONWriter) {
        if isEmpty { return }
        writer.key("left_out")
        writer.array { writer in
            for file in self {
                writer.object { writer in
                    writer.member("name", file.name)
                    writer.member("reason", file.reason)
                }
            }
        }
    }

    /// - Throws: `StoredJSON.Fault` for a member `left_out` that is no such list.
    init(storedIn root: JSONNode) throws {
        self =
            try root["left_out"] == nil
            ? []
            : root.list("left_out").map { LeftOutFile(name: try $0.string("name"), reason: try $0.string("reason")) }
    }
}
