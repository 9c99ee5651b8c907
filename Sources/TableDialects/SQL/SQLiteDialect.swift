internal import PipelineCore

/// For the `sqlite3` shell, which reads lines, and whose functions take JSON apart.
struct SQLiteDialect: SQLDialect {
    let title = "the sqlite3 shell (sqlite3 FILE < this)"
    let remarks = ["Times are UTC texts, which sort as times do; JSON is text."]

    func stored(_ column: Column) -> [StoredColumn] {
        let type =
            switch column.type {
            case .integer: "INTEGER"
            case .real: "REAL"
            case .text, .json, .time: "TEXT"
            }
        return [StoredColumn(name: column.name, type: type)]
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let values = table.columns.map {
            "json_extract(line, '$.\"\($0.name)\"') AS \(quoted($0.name))"
        }
        return [
            "CREATE TABLE temp.sluice_lines (line TEXT);",
            // Units and records instead of commas and quotes: a line has neither control character.
            ".import --ascii --schema temp \(command(table, published)) sluice_lines",
            "CREATE TEMP TABLE \(quoted(name)) AS SELECT\n  \(values.joined(separator: ",\n  "))\nFROM temp.sluice_lines;",
            "DROP TABLE temp.sluice_lines;",
        ]
    }

    private func command(_ table: TableDefinition, _ published: PublishedTables) -> String {
        let words = "|\(published.printing(table)) | tr '\\n' '\\036'"
        return "\"\(words.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}

extension PublishedTables {
    /// The shell's command that prints a table's lines.
    func printing(_ table: TableDefinition) -> String {
        let command =
            switch compression {
            case .gzip: "gzip -dc"
            case .zstd: "zstd -dcq"
            case .none: "cat"
            }
        return "\(command) \(shellWord(folder(of: table, in: "out/current")))*\(suffix)"
    }
}
