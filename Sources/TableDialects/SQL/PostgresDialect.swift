internal import PipelineCore

/// For psql, which reads the files itself.
struct PostgresDialect: SQLDialect {
    let title = "PostgreSQL (psql -f this)"

    let preparation = ["\\set ON_ERROR_STOP on\nSET client_min_messages = warning;"]
    let hasIndexes = true

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        let isText = column.type == .json && column.entries == nil
        // Keys are compared by their bytes.
        let collation = isKey && column.type == .text ? " COLLATE \"C\"" : ""
        return [StoredColumn(name: column.name, type: type(column) + collation) { isText ? "\($0)::jsonb" : $0 }]
    }

    func temporary(_ name: String) -> String { "pg_temp.\(quoted(name))" }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        // Texts that hold JSON are texts as yet.
        let columns = table.columns.map {
            "\(quoted($0.name)) \($0.type == .json && $0.entries == nil ? "text" : type($0))"
        }
        return copying(published.printing(table)) + [
            making(
                name,
                of: "SELECT r.* FROM pg_temp.sluice_lines, json_to_record(line::json) AS r(\n  "
                    + columns.joined(separator: ",\n  ") + ")")
        ]
    }

    func listing(_ name: String, _ published: PublishedTables) -> [String] {
        copying("cat -- \(shellWord(published.manifest(in: "out/current")))") + [
            making(
                name,
                of: """
                    SELECT t->>'name' AS table_name, (t->>'rows')::bigint AS listed, line::json->'run'->>'run_id' AS run_id
                    FROM pg_temp.sluice_lines, json_array_elements(line::json->'tables') AS t
                    WHERE line::json->>'shards' IS NULL
                    """)
        ]
    }

    /// Takes the lines that a command prints.
    private func copying(_ command: String) -> [String] {
        [
            "DROP TABLE IF EXISTS pg_temp.sluice_lines;",
            "CREATE TEMP TABLE sluice_lines (line text);",
            // Control characters instead of commas and quotes: a line has none.
            "\\copy pg_temp.sluice_lines FROM PROGRAM \(literal(command)) "
                + "WITH (FORMAT csv, ENCODING 'UTF8', DELIMITER E'\\x02', QUOTE E'\\x01')",
        ]
    }

    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String] {
        let detail = """
            SELECT string_agg(table_name || ': ' || found || ' rows in the files, ' || coalesce(listed::text, 'none')
                || ' in manifest.json', '; ') FROM \(temporary(counted)) WHERE found IS DISTINCT FROM listed
            """
        return [
            """
            DO $$ BEGIN
              IF NOT EXISTS (SELECT 1 FROM \(temporary(checked))) THEN
                RAISE EXCEPTION '%', \(literal(mistake)) USING DETAIL = (\(detail));
              END IF;
            END $$;
            """
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
