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

    func making(_ name: String, of query: String) -> String { "CREATE OR REPLACE TABLE \(quoted(name)) AS\n\(query);" }

    func listing(_ name: String, _ published: PublishedTables) -> [String] {
        let manifest = quoted("sluice_manifest")
        return [
            """
            LOAD DATA OVERWRITE \(manifest) (
              run STRUCT<run_id STRING>,
              shards INT64,
              tables ARRAY<STRUCT<`name` STRING, `rows` INT64>>
            )
            FROM FILES (format = 'JSON', ignore_unknown_values = true,
              uris = [\(literal(published.manifest(in: "gs://BUCKET/current")))]);
            """,
            making(
                name,
                of: """
                    SELECT t.name AS table_name, t.`rows` AS listed, m.run.run_id AS run_id
                    FROM \(manifest) AS m, UNNEST(m.tables) AS t WHERE m.shards IS NULL
                    """),
            "DROP TABLE \(manifest);",
        ]
    }

    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String] {
        ["ASSERT EXISTS (SELECT 1 FROM \(quoted(checked))) AS \(literal(mistake));"]
    }

    func atOnce(_ statements: [String]) -> [String] { ["BEGIN TRANSACTION;"] + statements + ["COMMIT TRANSACTION;"] }

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
