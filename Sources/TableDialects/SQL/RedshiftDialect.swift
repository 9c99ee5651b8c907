internal import PipelineCore

/// Types: https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
/// Loading: https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-json.html
struct RedshiftDialect: SQLDialect {
    let title = "Amazon Redshift"
    let remarks = [
        "A text may have 65,535 bytes there; COPY stops at a longer one. JSON is text, which JSON_PARSE makes a SUPER of.",
        "Keys aren't enforced, and blanks at the end of a text are no difference there: of two such keys one is kept.",
    ]

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        [StoredColumn(name: column.name, type: type(column))]
    }

    /// A backslash is an escape there.
    func literal(_ text: String) -> String {
        "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "''"))'"
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let columns = table.columns.map { "\(quoted($0.name)) \(type($0))" }
        return [
            "CREATE TEMP TABLE \(quoted(name)) (\n  \(columns.joined(separator: ",\n  "))\n);",
            "COPY \(quoted(name)) FROM \(literal(published.folder(of: table, in: "s3://BUCKET/current")))\n"
                + "IAM_ROLE default FORMAT JSON 'auto ignorecase' TIMEFORMAT 'auto'\(compression(published));",
        ]
    }

    func listing(_ name: String, _ published: PublishedTables) -> [String] {
        [
            "DROP TABLE IF EXISTS sluice_manifest;",
            "CREATE TEMP TABLE sluice_manifest (document SUPER);",
            "COPY sluice_manifest FROM \(literal(published.manifest(in: "s3://BUCKET/current")))\n"
                + "IAM_ROLE default FORMAT JSON 'noshred';",
            making(
                name,
                of: """
                    SELECT t."name"::VARCHAR(128) AS table_name, t."rows"::BIGINT AS listed,
                      m.document."run"."run_id"::VARCHAR(1024) AS run_id
                    FROM sluice_manifest AS m, m.document."tables" AS t WHERE m.document."shards" IS NULL
                    """),
            "DROP TABLE sluice_manifest;",
        ]
    }

    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String] {
        // What is no number is told with the error.
        [
            "SELECT CAST(CASE WHEN count(*) = 1 THEN '1' ELSE \(literal(mistake)) END AS INTEGER) AS files FROM \(quoted(checked));"
        ]
    }

    private func compression(_ published: PublishedTables) -> String {
        switch published.compression {
        case .gzip: " GZIP"
        case .zstd: " ZSTD"
        case .none: ""
        }
    }

    private func type(_ column: Column) -> String {
        switch (column.type, column.entries) {
        case (.json, .some): "SUPER"
        case (.text, _), (.json, nil): "VARCHAR(65535)"
        case (.integer, _): "BIGINT"
        case (.real, _): "DOUBLE PRECISION"
        case (.time, _): "TIMESTAMPTZ"
        }
    }
}
