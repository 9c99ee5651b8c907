internal import PipelineCore

/// For the `sqlite3` shell, which reads lines, and whose functions take JSON apart.
struct SQLiteDialect: SQLDialect {
    let title = "the sqlite3 shell (sqlite3 FILE < this)"
    let remarks = ["Times are UTC texts, which sort as times do; JSON is text."]

    let preparation = [".bail on"]
    let hasIndexes = true

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        let type =
            switch column.type {
            case .integer: "INTEGER"
            case .real: "REAL"
            case .text, .json, .time: "TEXT"
            }
        return [StoredColumn(name: column.name, type: type)]
    }

    func temporary(_ name: String) -> String { "temp.\(quoted(name))" }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let values = table.columns.map {
            "json_extract(line, '$.\"\($0.name)\"') AS \(quoted($0.name))"
        }
        return [
            "DROP TABLE IF EXISTS temp.sluice_lines;",
            "CREATE TABLE temp.sluice_lines (line TEXT);",
            // Units and records instead of commas and quotes: a line has neither control character.
            ".import --ascii --schema temp \(command(table, published)) sluice_lines",
            // The shell doesn't look at how the command ends, and a file that can't be read to its end is none.
            "DROP TABLE IF EXISTS temp.sluice_whole;",
            "CREATE TABLE temp.sluice_whole (files_were_read_to_the_end INTEGER CHECK (files_were_read_to_the_end = 1));",
            "INSERT INTO temp.sluice_whole SELECT count(*) FROM temp.sluice_lines WHERE line = '\(Self.end)';",
            "DROP TABLE temp.sluice_whole;",
            making(
                name,
                of: "SELECT\n  \(values.joined(separator: ",\n  "))\nFROM temp.sluice_lines WHERE line <> '\(Self.end)'"
            ),
            "DROP TABLE temp.sluice_lines;",
        ]
    }

    func listing(_ name: String, _ published: PublishedTables) -> [String] {
        [
            making(
                name,
                of: """
                    SELECT json_extract(t.value, '$.name') AS table_name, json_extract(t.value, '$.rows') AS listed,
                      json_extract(m.document, '$.run.run_id') AS run_id
                    FROM (SELECT CAST(readfile(\(literal(published.manifest(in: "out/current")))) AS TEXT) AS document) AS m,
                      json_each(m.document, '$.tables') AS t
                    WHERE json_extract(m.document, '$.shards') IS NULL
                    """)
        ]
    }

    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String] {
        let rule = quoted(mistake)
        return [
            "SELECT table_name || ': ' || found || ' rows in the files, ' || coalesce(listed, 'none') || ' in manifest.json'\n"
                + "FROM \(temporary(counted)) WHERE found IS NOT listed;",
            "DROP TABLE IF EXISTS temp.sluice_rule;",
            "CREATE TABLE temp.sluice_rule (is_kept INTEGER, CONSTRAINT \(rule) CHECK (is_kept = 1));",
            "INSERT INTO temp.sluice_rule SELECT count(*) FROM \(temporary(checked));",
            "DROP TABLE temp.sluice_rule;",
        ]
    }

    /// Follows the last line once all files are read.
    private static let end = "end"

    private func command(_ table: TableDefinition, _ published: PublishedTables) -> String {
        let words = "|{ \(published.printing(table)) && echo \(Self.end); } | tr '\\n' '\\036'"
        return "\"\(words.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}

extension PublishedTables {
    /// The shell's command that prints a table's lines.
    func printing(_ table: TableDefinition) -> String {
        let command =
            switch compression {
            case .gzip: "gzip -dc --"
            case .zstd: "zstd -dcq --"
            case .none: "cat --"
            }
        return "\(command) \(shellWord(folder(of: table, in: "out/current")))*\(suffix)"
    }
}
