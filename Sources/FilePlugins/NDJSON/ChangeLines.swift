package import PipelineCore

/// Writes what merges have changed as lines of JSON, rows spelled as the files of NDJSON have them:
/// `{"change":"upsert","table":"endpoints","row":{…}}`, `{"change":"remove","table":"endpoints","row":{…}}`.
package struct ChangeLines: Sendable {
    /// One for each table.
    private let lines: [JSONLines]

    /// - Parameter tables: as the reader of the changes has named them; what isn't an endpoint or a part of one tells removals.
    package init(_ tables: [TableDefinition]) {
        let endpoints = tables.first { $0.role == .endpoints }?.name
        lines = tables.map { table in
            let isKept = table.role == .endpoints || table.role == .endpointParts
            return JSONLines(table) { writer in
                writer.member("change", isKept ? "upsert" : "remove")
                writer.member("table", isKept ? table.name : endpoints ?? table.name)
            }
        }
    }

    /// Appends a line for each row of a change.
    package func append(_ change: StoredChange, to bytes: inout [UInt8]) {
        var text = TextBuffer(capacity: 0)
        lines[change.table].append(change.rows, of: change.buffer, to: &text)
        bytes.append(contentsOf: text.bytes)
    }
}
