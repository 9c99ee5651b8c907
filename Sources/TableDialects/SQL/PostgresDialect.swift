internal import PipelineCore

/// For psql, which reads the files itself.
struct PostgresDialect: SQLDialect {
    let title = "PostgreSQL (psql -f this)"

    let preparation = ["\\set ON_ERROR_STOP on"]
    let hasIndexes = true

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        let isText = column.type == .json && column.entries == nil
        // Keys are compared by their bytes.
        let collation = isKey && column.type == .text ? " COLLATE \"C\"" : ""
        return [StoredColumn(name: column.name, type: type(column) + collation) { isText ? "\($0)::jsonb" : $0 }]
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        // Texts that hold JSON are texts as yet.
        let columns = table.columns.map {
            "\(quoted($0.name)) \($0.type == .json && $0.entries == nil ? "text" : type($0))"
        }
        return [
            "CREATE TEMP TABLE sluice_lines (line text);",
            // Control characters instead of commas and quotes: a line has none.
            "\\copy sluice_lines FROM PROGRAM \(literal(published.printing(table))) "
                + "WITH (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')",
            "CREATE TEMP TABLE \(quoted(name)) AS SELECT r.* FROM sluice_lines, json_to_record(line::json) AS r(\n  "
                + columns.joined(separator: ",\n  ") + ");",
            "DROP TABLE sluice_lines;",
        ]
    }

    private func type(_ column: Column) -> String {
        switch column.type {
        case .text: "text"
        case .integer: "bigint"
        case .real: "double precision"
        case .json: "jsonb"
        case .time: "timestamp with time zone"
        }
    }
}
