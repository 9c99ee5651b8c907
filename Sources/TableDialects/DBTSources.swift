internal import PipelineCore

/// The tables as sources of dbt, which are loaded already.
struct DBTSources {
    let tables: [TableDefinition]

    init(_ tables: [TableDefinition]) { self.tables = tables }

    var text: String {
        let head = """
            # The tables as dbt's sources. Say in 'schema' where they stand.
            version: 2
            sources:
              - name: sluice
                schema: "{{ target.schema }}"
                tables:

            """
        return head + tables.map(table).joined()
    }

    private func table(_ table: TableDefinition) -> String {
        """
              - name: \(table.name)
                description: "Key: \(table.key.joined(separator: ", "))."
                columns:

        """ + table.columns.map { column(of: table, $0) }.joined()
    }

    private func column(of table: TableDefinition, _ column: Column) -> String {
        let tests = table.key.contains(column.name) ? "            data_tests: [not_null]\n" : ""
        // Without quotes YAML takes some names for truth values and nulls.
        return "          - name: \"\(column.name)\"\n            data_type: \(type(column))\n" + tests
    }

    /// In standard SQL's words, which PostgreSQL, DuckDB and others understand.
    private func type(_ column: Column) -> String {
        switch column.type {
        case .text: "text"
        case .integer: "bigint"
        case .real: "double precision"
        case .json: "json"
        case .time: "timestamp with time zone"
        }
    }
}
