internal import PipelineCore

/// Types: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
/// Loading: https://cloud.google.com/bigquery/docs/reference/standard-sql/load-statements
struct BigQueryDialect: SQLDialect {
    let title = "BigQuery (bq query --use_legacy_sql=false --dataset_id=DATASET < this)"
    let remarks = [
        "JSON has its text beside it: a number that the type JSON can't hold is rounded there, a document that it can't",
        "hold is NULL there, and the text has both.",
    ]
    let keySuffix = " NOT ENFORCED"
    let transaction = (begin: "BEGIN TRANSACTION;", end: "COMMIT TRANSACTION;")

    func quoted(_ name: String) -> String { "`\(name)`" }

    func literal(_ text: String) -> String {
        "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }

    func stored(_ column: Column, isKey: Bool) -> [StoredColumn] {
        guard column.type == .json, column.entries == nil else {
            return [StoredColumn(name: column.name, type: type(column))]
        }
        return [
            StoredColumn(name: column.name, type: "JSON") { "SAFE.PARSE_JSON(\($0), wide_number_mode => 'round')" },
            StoredColumn(name: "\(column.name)_text", type: "STRING"),
        ]
    }

    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String] {
        let columns = table.columns.map { "\(quoted($0.name)) \(type($0))" }
        return [
            "LOAD DATA OVERWRITE \(quoted(name)) (\n  \(columns.joined(separator: ",\n  "))\n)\n"
                + "FROM FILES (format = 'JSON', uris = [\(literal(published.files(of: table, in: "gs://BUCKET/current")))]);"
        ]
    }

    private func type(_ column: Column) -> String {
        switch (column.type, column.entries) {
        case (.json, .texts): "ARRAY<STRUCT<`name` STRING, `values` ARRAY<STRING>>>"
        case (.json, .number): "ARRAY<STRUCT<`name` STRING, `value` FLOAT64>>"
        case (.text, _), (.json, nil): "STRING"
        case (.integer, _): "INT64"
        case (.real, _): "FLOAT64"
        case (.time, _): "TIMESTAMP"
        }
    }
}
