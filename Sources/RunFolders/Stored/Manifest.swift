internal import PipelineCore

/// What `manifest.json` holds: the run, its counts, what the files are compressed with, and every file with its table, rows, size
/// and SHA-256.
struct Manifest {
    var stored: StoredRunState
    let format: any FileFormat
    /// Files of the archive that the run has left out, the first ones.
    var leftOut: [LeftOutFile]
    var tables: [(definition: TableDefinition, files: [FinishedFile])]

    var json: [UInt8] {
        StoredJSON.text { writer in
            stored.write(to: &writer)
            leftOut.write(to: &writer)
            writer.member("compression", format.compression)
            writer.key("tables")
            writer.array { writer in
                for (definition, files) in tables { Self.write(definition, files, to: &writer) }
            }
            writer.key("files")
            writer.array { writer in
                for (definition, files) in tables {
                    for (number, file) in files.enumerated() {
                        writer.object { writer in
                            writer.member("path", format.layout.file(number, in: RunLayout.folder(definition.name)))
                            writer.member("table", definition.name)
                            writer.member("rows", file.rows)
                            writer.member("bytes", file.bytes)
                            writer.member("uncompressed_bytes", file.length)
                            writer.member("sha256", file.sha256)
                        }
                    }
                }
            }
        }
    }

    private static func write(_ table: TableDefinition, _ files: [FinishedFile], to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", table.name)
            writer.member("rows", files.reduce(0) { $0 + $1.rows })
            writer.key("columns")
            writer.array { writer in
                for column in table.columns {
                    writer.object { writer in
                        writer.member("name", column.name)
                        writer.member("type", column.type.rawValue)
                    }
                }
            }
            writer.key("key")
            writer.array { writer in table.key.forEach { writer.value($0) } }
        }
    }

    /// The run whose manifest stands in a folder; nil where there is none.
    ///
    /// - Throws: what `PublishedManifest.read` throws.
    static func state(in folder: String) throws -> StoredRunState? { try PublishedManifest.read(in: folder)?.stored }
}
