internal import PipelineCore

/// A script that makes the tables where they are missing, and loads a published run. It may be run again.
struct SQLScript {
    let dialect: any SQLDialect
    let published: PublishedTables

    init(_ dialect: any SQLDialect, _ published: PublishedTables) {
        self.dialect = dialect
        self.published = published
    }

    var text: String {
        let definitions = dialect.preparation + published.tables.flatMap { [definition($0)] + indexes(of: $0) }
        let loads = published.tables.map { "-- \($0.name)\n" + load($0).joined(separator: "\n") }
        return ([head] + definitions + [loadHead] + loads).joined(separator: "\n\n") + "\n"
    }

    // MARK: Parts

    private var head: String {
        var lines = ["The tables of published NDJSON, for \(dialect.title)."] + dialect.remarks
        if published.tables.contains(where: { $0.role == .endpointParts }) {
            lines += [
                "Rows of attributes and metrics don't say which record they come from. Where one run may read an endpoint",
                "twice with different content (exports that overlap), export with 'layout: document'.",
            ]
        }
        return comment(lines)
    }

    private var loadHead: String {
        comment(
            keepsRunsApart
                ? ["Loading a run: it takes the place of rows of the same run, and stands beside those of others."]
                : ["Loading a run: its rows take the place of all that was there; failures of other runs stay."])
    }

    private var keepsRunsApart: Bool { published.tables.contains { $0.role == .endpoints && isOfRuns($0) } }

    private func comment(_ lines: [String]) -> String { lines.map { "-- \($0)" }.joined(separator: "\n") }

    /// Whether the table has the rows of several runs.
    private func isOfRuns(_ table: TableDefinition) -> Bool { table.key.contains("run_id") }

    private func definition(_ table: TableDefinition) -> String {
        let columns = table.columns.flatMap { column in
            stored(column, of: table).map {
                "  \(dialect.quoted($0.name)) \($0.type)\(table.key.contains(column.name) ? " NOT NULL" : "")"
            }
        }
        let key = "  PRIMARY KEY (\(dialect.quoted(table.key)))\(dialect.keySuffix)"
        return "CREATE TABLE IF NOT EXISTS \(dialect.quoted(table.name)) (\n"
            + (columns + [key]).joined(separator: ",\n") + "\n);"
    }

    private func indexes(of table: TableDefinition) -> [String] {
        guard dialect.hasIndexes else { return [] }
        return table.indexes.map { columns in
            let name = ([table.name] + columns).joined(separator: "_")
            return "CREATE INDEX IF NOT EXISTS \(dialect.quoted(name)) "
                + "ON \(dialect.quoted(table.name)) (\(dialect.quoted(columns)));"
        }
    }

    private func load(_ table: TableDefinition) -> [String] {
        let name = dialect.quoted(table.name)
        let stage = "sluice_next_\(table.name)"
        // Either one names the staged rows: where they aren't there, nothing is deleted.
        let isEarlier =
            isOfRuns(table)
            ? "\(dialect.quoted("run_id")) IN (SELECT \(dialect.quoted("run_id")) FROM \(dialect.quoted(stage)))"
            : "(SELECT count(*) FROM \(dialect.quoted(stage))) >= 0"
        let columns = table.columns.flatMap { column in stored(column, of: table).map { (column, $0) } }
        return dialect.staging(stage, table, published) + [
            dialect.transaction.begin,
            "DELETE FROM \(name) WHERE \(isEarlier);",
            "INSERT INTO \(name) (\(dialect.quoted(columns.map(\.1.name))))\n"
                + selection(columns.map { $1.value(dialect.quoted($0.name)) }, of: table, from: dialect.quoted(stage))
                + ";",
            dialect.transaction.end,
            "DROP TABLE \(dialect.quoted(stage));",
        ]
    }

    /// The staged rows, each key once.
    private func selection(_ values: [String], of table: TableDefinition, from stage: String) -> String {
        let values = values.joined(separator: ", ")
        let order = published.precedence(in: table)
        if order.isEmpty { return "SELECT DISTINCT \(values) FROM \(stage)" }
        let place = dialect.quoted("sluice_place")
        let descending = order.map { "\(dialect.quoted($0)) DESC NULLS LAST" }.joined(separator: ", ")
        return "SELECT \(values) FROM (\n"
            + "  SELECT *, row_number() OVER (PARTITION BY \(dialect.quoted(table.key)) ORDER BY \(descending)) AS \(place)\n"
            + "  FROM \(stage)\n) AS \(dialect.quoted("sluice_rows")) WHERE \(place) = 1"
    }

    /// What a column becomes, under names that no other column has.
    private func stored(_ column: Column, of table: TableDefinition) -> [StoredColumn] {
        dialect.stored(column, isKey: table.key.contains(column.name)).map { stored in
            var stored = stored
            while stored.name != column.name, table.index(of: stored.name) != nil { stored.name += "_" }
            return stored
        }
    }
}
