internal import PipelineCore

/// Types: https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
/// Loading: https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-json.html
struct RedshiftDialect: SQLDialect {
    let title = "Amazon Redshift"
    let remarks = [
        "A text may have 65,535 bytes there; COPY stops at a longer one. JSON is text, which JSON_PARSE makes a SUPER of.",
        "Keys aren't enforced.",
    ]

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        [StoredColumn(name: column.name, type: type(column))]
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let columns = table.columns.map { "\(quoted($0.name)) \(type($0))" }
        return [
            "CREATE TEMP TABLE \(quoted(name)) (\n  \(columns.joined(separator: ",\n  "))\n);",
            "COPY \(quoted(name)) FROM \(literal(published.folder(of: table, in: "s3://BUCKET/current")))\n"
                + "IAM_ROLE default FORMAT JSON 'auto' TIMEFORMAT 'auto'\(compression(published));",
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
