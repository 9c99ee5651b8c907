internal import PipelineCore
internal import StoreFormat

/// What `checkpoint.json` holds: the run, how far it has come, and how much of each file belongs to that.
///
/// It takes the place of its predecessor at once. That is the moment at which a commit has happened.
struct RunCheckpoint: Sendable {
    var stored: StoredRunState
    var tables: [TableRecord]
    /// Files of the archive that the run has left out so far, the first ones.
    var leftOut: [LeftOutFile]

    /// One table's files.
    struct TableRecord: Sendable {
        var name: String
        /// How often the table was written anew.
        var generation = 0
        var finished: [FinishedFile]
        /// The file under way; nil once the run is complete.
        var current: GrowingRecord?
    }

    /// The file under way: what stands behind its first `bytes` bytes isn't committed.
    struct GrowingRecord: Sendable {
        var number: Int
        var rows: Int
        var bytes: Int
        var length: Int
        var checksum: UInt32
        /// Of its first `bytes` bytes.
        var sha256: String
    }

    /// - Parameter isComplete: every file is finished; the one under way is a fresh one that isn't there.
    init(
        _ stored: StoredRunState, _ tables: [TableFiles], leftOut: [LeftOutFile] = [], isComplete: Bool = false
    ) {
        self.stored = stored
        self.leftOut = leftOut
        self.tables = tables.map { table in
            let current = table.current
            return TableRecord(
                name: table.name, generation: table.generation, finished: table.finished,
                current: isComplete
                    ? nil
                    : GrowingRecord(
                        number: current.number, rows: current.rows, bytes: current.bytes, length: current.length,
                        checksum: current.checksum, sha256: current.sha256))
        }
    }

    // MARK: JSON

    var json: [UInt8] {
        StoredJSON.text { writer in
            stored.write(to: &writer)
            leftOut.write(to: &writer)
            writer.key("tables")
            writer.array { writer in
                for table in tables { Self.write(table, to: &writer) }
            }
        }
    }

    private static func write(_ table: TableRecord, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", table.name)
            if table.generation > 0 { writer.member("generation", table.generation) }
            writer.key("finished")
            writer.array { writer in
                for file in table.finished {
                    writer.object { writer in
                        writer.member("rows", file.rows)
                        writer.member("bytes", file.bytes)
                        writer.member("length", file.length)
                        writer.member("sha256", file.sha256)
                    }
                }
            }
            guard let file = table.current else { return }
            writer.key("current")
            writer.object { writer in
                writer.member("number", file.number)
                writer.member("rows", file.rows)
                writer.member("bytes", file.bytes)
                writer.member("length", file.length)
                writer.member("crc32", Int(file.checksum))
                writer.member("sha256", file.sha256)
            }
        }
    }

    init(_ root: JSONNode, _ format: StoreFormat) throws {
        stored = try StoredRunState(root, format)
        leftOut = try [LeftOutFile](storedIn: root)
        tables = try root.list("tables").map { table in
            TableRecord(
                name: try table.string("name"),
                generation: try table["generation"] == nil ? 0 : table.number("generation"),
                finished: try table.list("finished").map { file in
                    FinishedFile(
                        rows: try file.number("rows"), bytes: try file.number("bytes"),
                        length: try file.number("length"), sha256: try file.string("sha256"))
                },
                current: try table["current"].map { file in
                    guard let checksum = UInt32(exactly: try file.number("crc32")) else {
                        throw StoredJSON.Fault("its CRC-32 is none")
                    }
                    return GrowingRecord(
                        number: try file.number("number"), rows: try file.number("rows"),
                        bytes: try file.number("bytes"), length: try file.number("length"), checksum: checksum,
                        sha256: try file.string("sha256"))
                })
        }
    }

    /// The checkpoint in a run's folder; nil where there is none.
    static func read(in folder: String) throws -> RunCheckpoint? {
        try StoredJSON.read(
            "\(folder)/\(RunLayout.checkpoint)",
            hint: "Restore it from a backup, or run with --fresh to give the run up and begin again."
        ) { try RunCheckpoint($0, $1) }
    }
}
