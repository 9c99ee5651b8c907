internal import PipelineCore

/// https://duckdb.org/docs/stable/data/json/loading_json
struct DuckDBDialect: SQLDialect {
    let title = "DuckDB (duckdb -bail FILE < this)"

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        let isText = column.type == .json && column.entries == nil
        return [StoredColumn(name: column.name, type: isText ? "JSON" : type(column))]
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let columns = table.columns.map { "\(literal($0.name)): \(literal(type($0)))" }.joined(separator: ", ")
        return [
            "CREATE TEMP TABLE \(quoted(name)) AS FROM read_json(\n"
                + "  \(literal(published.files(of: table, in: "out/current"))), format = 'newline_delimited',\n"
                + "  columns = {\(columns)});",
            // A file that is cut off is read as far as it goes, without a word.
            "SELECT CASE WHEN count(*) = (\(listed(table, published))) THEN count(*)\n"
                + "  ELSE error(\(literal("\(table.name): the files have other rows than manifest.json says"))) END "
                + "AS rows FROM \(quoted(name));",
        ]
    }

    /// The number of a table's rows, by the manifest.
    private func listed(_ table: TableDefinition, _ published: PublishedTables) -> String {
        "SELECT listed.rows FROM (SELECT unnest(tables) AS listed FROM read_json(\n"
            + "    \(literal(published.manifest(in: "out/current"))), columns = {'tables': 'STRUCT(name VARCHAR, rows BIGINT)[]'}))\n"
            + "  WHERE listed.name = \(literal(table.name))"
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
