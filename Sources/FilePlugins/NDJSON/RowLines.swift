package import PipelineCore

/// Writes rows as lines of JSON, spelled as the files of NDJSON have them: those of one table, or of all tables record by record,
/// each as `{"table":"endpoints","row":{…}}`.
package struct RowLines: Sendable {
    /// One for each table that is written, by its number.
    private let lines: [(table: Int, lines: JSONLines)]

    /// - Parameters:
    ///   - tables: in the order of the buffers.
    ///   - only: the number of the one table that is written; nil for all.
    package init(_ tables: [TableDefinition], only: Int? = nil) {
        lines =
            if let only { [(only, JSONLines(tables[only]))] } else {
                tables.enumerated().map { number, table in
                    (number, JSONLines(table) { $0.member("table", table.name) })
                }
            }
    }

    /// - Parameters:
    ///   - tables: the rows of some records.
    ///   - ends: for each record how many rows each table has up to it.
    package func bytes(_ tables: [RowBuffer], ends: [[Int]]) -> [UInt8] {
        var text = TextBuffer(capacity: 0)
        if lines.count == 1 {
            lines[0].lines.append(0..<tables[lines[0].table].rowCount, of: tables[lines[0].table], to: &text)
            return Array(text.bytes)
        }
        var starts = [Int](repeating: 0, count: tables.count)
        for ends in ends {
            for (table, lines) in lines { lines.append(starts[table]..<ends[table], of: tables[table], to: &text) }
            starts = ends
        }
        return Array(text.bytes)
    }
}
