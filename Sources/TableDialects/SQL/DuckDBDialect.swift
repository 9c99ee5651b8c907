internal import PipelineCore

/// https://duckdb.org/docs/stable/data/json/loading_json
struct DuckDBDialect: SQLDialect {
    let title = "DuckDB (duckdb -bail FILE < this)"

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        let isText = column.type == .json && column.entries == nil
        return [StoredColumn(name: column.name, type: isText ? "JSON" : type(column))]
    }

    func temporary(_ name: String) -> String { "temp.\(quoted(name))" }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let columns = table.columns.map { "\(literal($0.name)): \(literal(type($0)))" }.joined(separator: ", ")
        let files = pattern(published.folder(of: table, in: "out/current")) + "*\(published.suffix)"
        return [
            making(
                name,
                of: "FROM read_json(\n  \(literal(files)), format = 'newline_delimited', "
                    + "compression = '\(compression(published))',\n  columns = {\(columns)})")
        ]
    }

    func listing(_ name: String, _ published: PublishedTables) -> [String] {
        [
            making(
                name,
                of: """
                    SELECT t.name AS table_name, t.rows AS listed, run_id FROM (
                      SELECT unnest(tables) AS t, run.run_id AS run_id FROM read_json(
                        \(literal(pattern(published.manifest(in: "out/current")))), format = 'newline_delimited', columns = {
                          'run': 'STRUCT(run_id VARCHAR)', 'shards': 'BIGINT', 'tables': 'STRUCT(name VARCHAR, rows BIGINT)[]'})
                      WHERE shards IS NULL
                    )
                    """)
        ]
    }

    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String] {
        let detail = """
            SELECT string_agg(table_name || ': ' || found || ' rows in the files, ' || coalesce(listed::VARCHAR, 'none')
                || ' in manifest.json', '; ') FROM \(temporary(counted)) WHERE found IS DISTINCT FROM listed
            """
        return [
            "SELECT CASE WHEN count(*) = 1 THEN 'all rows are there' ELSE error(\(literal(mistake + " (")) || (\(detail)) || ')') END\n"
                + "  AS files FROM \(temporary(checked));"
        ]
    }

    /// A path as a pattern that nothing else fits.
    private func pattern(_ path: String) -> String {
        path.reduce(into: "") { $0 += "[*?".contains($1) ? "[\($1)]" : String($1) }
    }

    private func compression(_ published: PublishedTables) -> String {
        switch published.compression {
        case .gzip: "gzip"
        case .zstd: "zstd"
        case .none: "none"
        }
    }

    /// As the rows have it.
    private func type(_ column: Column) -> String {
        switch (column.type, column.entries) {
        case (.json, .texts): "STRUCT(\"name\" VARCHAR, \"values\" VARCHAR[])[]"
        case (.json, .number): "STRUCT(\"name\" VARCHAR, \"value\" DOUBLE)[]"
        case (.text, _), (.json, nil): "VARCHAR"
        case (.integer, _): "BIGINT"
        case (.real, _): "DOUBLE"
        case (.time, _): "TIMESTAMPTZ"
        }
    }
}
