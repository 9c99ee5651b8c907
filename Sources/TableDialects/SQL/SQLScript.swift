internal import PipelineCore

/// A script that makes the tables where they are missing, and loads a published run. It may be run again.
///
/// All rows are staged first and counted beside the manifest. Then every table changes in one transaction, and each of its
/// statements asks whether the counts were right: where files are missing, cut off or can't be read, no row goes, whatever the
/// client does behind an error.
struct SQLScript {
    let dialect: any SQLDialect
    let published: PublishedTables
    private let names = StagedNames()

    init(_ dialect: any SQLDialect, _ published: PublishedTables) {
        self.dialect = dialect
        self.published = published
    }

    var text: String {
        let definitions = dialect.preparation + published.tables.flatMap { [definition($0)] + indexes(of: $0) }
        let changes = published.tables.flatMap { table in ["-- \(table.name)"] + replacement(of: table) }
        let parts =
            [head] + definitions + [loadHead, lines(cleanUp)]
            + published.tables.map { table in
                lines(
                    ["-- The rows of \(table.name), as they are published"]
                        + dialect.staging(names.rows(of: table), table, published))
            }
            + [lines(["-- As many as manifest.json says"] + check), lines(dialect.atOnce(changes)), lines(cleanUp)]
        return parts.joined(separator: "\n\n") + "\n"
    }

    // MARK: Words

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
            (keepsRunsApart
                ? ["Loading a run: it takes the place of rows of the same run, and stands beside those of others."]
                : ["Loading a run: its rows take the place of all that was there; failures of other runs stay."])
                + ["One shard of a run is no whole run, and isn't loaded."])
    }

    private var keepsRunsApart: Bool { published.tables.contains { $0.role == .endpoints && isOfRuns($0) } }

    private func comment(_ lines: [String]) -> String { lines.map { "-- \($0)" }.joined(separator: "\n") }

    private func lines(_ statements: [String]) -> String { statements.joined(separator: "\n") }

    // MARK: Tables

    /// Whether the table has the rows of several runs.
    private func isOfRuns(_ table: TableDefinition) -> Bool { table.key.contains("run_id") }

    private func definition(_ table: TableDefinition) -> String {
        let columns = stored(table).map { column, stored in
            "  \(dialect.quoted(stored.name)) \(stored.type)\(table.key.contains(column.name) ? " NOT NULL" : "")"
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

    /// What a table's columns become, under names that differ also where case is no difference.
    private func stored(_ table: TableDefinition) -> [(Column, StoredColumn)] {
        var taken = Set(table.columns.map { $0.name.lowercased() })
        return table.columns.flatMap { column in
            dialect.stored(column, isKey: table.key.contains(column.name)).map { stored in
                var stored = stored
                if stored.name != column.name {
                    while !taken.insert(stored.name.lowercased()).inserted { stored.name += "_" }
                }
                return (column, stored)
            }
        }
    }

    // MARK: Loading

    /// What an earlier script of the session may have left.
    private var cleanUp: [String] {
        ([names.checked, names.counted, names.listed] + published.tables.map(names.rows)).map {
            "DROP TABLE IF EXISTS \(dialect.temporary($0));"
        }
    }

    private var check: [String] {
        let found = published.tables.map { table in
            "SELECT \(dialect.literal(table.name)) AS table_name, count(*) AS found FROM \(dialect.temporary(names.rows(of: table)))"
        }
        let counts =
            "SELECT f.table_name, f.found, l.listed, l.run_id FROM (\n  "
            + found.joined(separator: "\n  UNION ALL ")
            + "\n) AS f LEFT JOIN \(dialect.temporary(names.listed)) AS l ON l.table_name = f.table_name"
        // A row where all is as it should be, else none.
        let run =
            "SELECT c.run_id FROM (\n  SELECT min(run_id) AS run_id, sum(CASE WHEN found = listed THEN 0 ELSE 1 END) AS differing\n"
            + "  FROM \(dialect.temporary(names.counted))\n) AS c WHERE c.differing = 0"
        return dialect.listing(names.listed, published)
            + [dialect.making(names.counted, of: counts), dialect.making(names.checked, of: run)]
            + dialect.refusing(
                unless: names.checked, "the files have other rows than manifest.json says", counted: names.counted)
    }

    private func replacement(of table: TableDefinition) -> [String] {
        let name = dialect.quoted(table.name)
        let checked = dialect.temporary(names.checked)
        let isWhole = "EXISTS (SELECT 1 FROM \(checked))"
        let run = dialect.quoted("run_id")
        let columns = stored(table)
        return [
            "DELETE FROM \(name) WHERE \(isOfRuns(table) ? "\(run) IN (SELECT run_id FROM \(checked))" : isWhole);",
            "INSERT INTO \(name) (\(dialect.quoted(columns.map(\.1.name))))\n"
                + selection(columns.map { $1.value(dialect.quoted($0.name)) }, of: table, where: isWhole) + ";",
        ]
    }

    /// The staged rows, each key once.
    private func selection(_ values: [String], of table: TableDefinition, where isWhole: String) -> String {
        let values = values.joined(separator: ", ")
        let stage = dialect.temporary(names.rows(of: table))
        let order = published.precedence(in: table)
        if order.isEmpty { return "SELECT DISTINCT \(values) FROM \(stage) WHERE \(isWhole)" }
        let place = dialect.quoted(names.place(in: table))
        let descending = order.map { "\(dialect.quoted($0)) DESC NULLS LAST" }.joined(separator: ", ")
        return "SELECT \(values) FROM (\n"
            + "  SELECT *, row_number() OVER (PARTITION BY \(dialect.quoted(table.key)) ORDER BY \(descending)) AS \(place)\n"
            + "  FROM \(stage)\n) AS \(dialect.quoted("sluice_rows")) WHERE \(place) = 1 AND \(isWhole)"
    }
}

/// The temporary tables of a script. None has a name that a sink gives a table.
private struct StagedNames {
    /// What the manifest says of each table.
    let listed = "sluice_listed"
    /// The rows of each table, as they are found and listed.
    let counted = "sluice_counted"
    /// The run, once all of it was found.
    let checked = "sluice_checked"

    /// A table's rows as they are published.
    func rows(of table: TableDefinition) -> String { "sluice_load_\(table.name)" }

    /// A column that tells which of the rows with one key counts; no other one has its name, in whatever case.
    func place(in table: TableDefinition) -> String {
        var name = "sluice_place"
        while table.columns.contains(where: { $0.name.lowercased() == name }) { name += "_" }
        return name
    }
}
