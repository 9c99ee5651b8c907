internal import PipelineCore

/// Types: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
/// Loading: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table
struct SnowflakeDialect: SQLDialect {
    let title = "Snowflake (snow sql -f this)"
    let remarks = [
        "JSON has its text beside it: what a VARIANT can't hold as it is spelled is rounded or NULL there. Names stand in",
        "upper case, which is what Snowflake makes of names without quotes.",
    ]
    let keySuffix = " NOT ENFORCED"

    func quoted(_ name: String) -> String { "\"\(name.uppercased())\"" }

    /// A backslash is an escape there.
    func literal(_ text: String) -> String {
        "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "''"))'"
    }

    func making(_ name: String, of query: String) -> String {
        "CREATE OR REPLACE TEMPORARY TABLE \(quoted(name)) AS\n\(query);"
    }

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
            making(name, of: "SELECT\n  \(values.joined(separator: ",\n  "))\nFROM \(lines)"),
            "DROP TABLE \(lines);",
        ]
    }

    func listing(_ name: String, _ published: PublishedTables) -> [String] {
        let manifest = quoted("sluice_manifest")
        return [
            "CREATE OR REPLACE TEMPORARY TABLE \(manifest) (document VARIANT);",
            "COPY INTO \(manifest) FROM \(literal(published.manifest(in: "@STAGE/current"))) FILE_FORMAT = (TYPE = JSON);",
            making(
                name,
                of: """
                    SELECT t.value:"name"::VARCHAR AS table_name, t.value:"rows"::NUMBER(19, 0) AS listed,
                      m.document:"run":"run_id"::VARCHAR AS run_id
                    FROM \(manifest) AS m, LATERAL FLATTEN(input => m.document:"tables") AS t
                    WHERE m.document:"shards" IS NULL
                    """),
            "DROP TABLE \(manifest);",
        ]
    }

    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String] {
        [
            """
            EXECUTE IMMEDIATE $$
            DECLARE
              other_rows EXCEPTION (-20001, \(literal(mistake)));
            BEGIN
              IF (NOT EXISTS (SELECT 1 FROM \(quoted(checked)))) THEN
                RAISE other_rows;
              END IF;
            END;
            $$;
            """
        ]
    }

    /// A block, because a client may go on behind a statement that has failed, and commit what was done before it.
    func atOnce(_ statements: [String]) -> [String] {
        ["EXECUTE IMMEDIATE $$\nBEGIN\nBEGIN TRANSACTION;"] + statements
            + ["COMMIT;\nEXCEPTION WHEN OTHER THEN\n  ROLLBACK;\n  RAISE;\nEND;\n$$;"]
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
