internal import PipelineCore

/// Types: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
/// Loading: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table
struct SnowflakeDialect: SQLDialect {
    let title = "Snowflake (snow sql -f this; elsewhere with exit_on_error, so that it ends at an error)"
    let remarks = [
        "JSON has its text beside it: what a VARIANT can't hold as it is spelled is rounded or NULL there. Names stand in",
        "upper case, which is what Snowflake makes of names without quotes.",
    ]
    let keySuffix = " NOT ENFORCED"

    func quoted(_ name: String) -> String { "\"\(name.uppercased())\"" }

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        guard column.type == .json, column.entries == nil else {
            return [StoredColumn(name: column.name, type: type(column))]
        }
        return [
            StoredColumn(name: column.name, type: "VARIANT") { "TRY_PARSE_JSON(\($0))" },
            StoredColumn(name: "\(column.name)_text", type: "VARCHAR"),
        ]
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let lines = quoted("sluice_lines")
        let row = quoted("line")
        let values = table.columns.map { column in
            let member = "\(row):\"\(column.name)\""
            let value =
                column.entries == nil
                ? "\(member)::VARCHAR::\(type(column))" : "STRIP_NULL_VALUE(\(member))::ARRAY"
            return "\(value) AS \(quoted(column.name))"
        }
        return [
            "CREATE OR REPLACE TEMPORARY TABLE \(lines) (\(row) VARIANT);",
            "COPY INTO \(lines) FROM \(literal(published.folder(of: table, in: "@STAGE/current")))\n"
                + "FILE_FORMAT = (TYPE = JSON COMPRESSION = \(compression(published)));",
            "CREATE OR REPLACE TEMPORARY TABLE \(quoted(name)) AS SELECT\n  \(values.joined(separator: ",\n  "))\n"
                + "FROM \(lines);",
            "DROP TABLE \(lines);",
        ]
    }

    private func compression(_ published: PublishedTables) -> String {
        switch published.compression {
        case .gzip: "GZIP"
        case .zstd: "ZSTD"
        case .none: "NONE"
        }
    }

    private func type(_ column: Column) -> String {
        switch (column.type, column.entries) {
        case (.json, .some): "ARRAY"
        case (.text, _), (.json, nil): "VARCHAR"
        case (.integer, _): "NUMBER(19, 0)"
        case (.real, _): "FLOAT"
        case (.time, _): "TIMESTAMP_TZ"
        }
    }
}
