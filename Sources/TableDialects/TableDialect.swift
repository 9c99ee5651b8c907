internal import PipelineCore

/// The programs that tables can be defined for.
public enum TableDialect: String, Sendable, CaseIterable {
    case sqlite, postgres, duckdb, bigquery, snowflake, redshift, spark, jsonschema, dbt

    /// The definitions, with types and keys, and how published rows are loaded; it ends with a new line.
    ///
    /// - Throws: `PipelineError` of kind `.usage` where the program can't load files that are compressed so.
    public func text(_ published: PublishedTables) throws -> String {
        switch self {
        case .sqlite: SQLScript(SQLiteDialect(), published).text
        case .postgres: SQLScript(PostgresDialect(), published).text
        case .duckdb: SQLScript(DuckDBDialect(), published).text
        case .bigquery: try bigQuery(published)
        case .snowflake: SQLScript(SnowflakeDialect(), published).text
        case .redshift: SQLScript(RedshiftDialect(), published).text
        case .spark: SparkSchemas(published).text
        case .jsonschema: RowSchema(published).text
        case .dbt: DBTSources(published.tables).text
        }
    }

    private func bigQuery(_ published: PublishedTables) throws -> String {
        if published.compression == .zstd {
            throw PipelineError(
                .usage, "BigQuery loads NDJSON that is compressed with gzip, or not at all, and not with Zstandard",
                hint: "Set compression: gzip, or compression: none, on the sink.")
        }
        return SQLScript(BigQueryDialect(), published).text
    }
}
