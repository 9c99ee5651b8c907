internal import PipelineCore

/// Which pipeline and mode each table belongs to: what `sluice_tables` says.
struct TableOwners {
    private struct Owner {
        var pipeline: String
        var mode: String
    }

    private let connection: SQLiteConnection
    private var owners: [String: Owner] = [:]
    private let existing: Set<String>

    /// - Parameter kinds: what there is in the database, by name.
    init(in connection: SQLiteConnection, _ kinds: [String: String]) throws {
        self.connection = connection
        existing = Set(kinds.filter { $0.value == "table" }.keys)
        guard existing.contains(RunLedger.owners.name) else { return }
        for row in try connection.query("SELECT table_name, pipeline, mode FROM sluice_tables") {
            guard let name = row[0] else { continue }
            owners[name] = Owner(pipeline: row[1] ?? "", mode: row[2] ?? "")
        }
    }

    /// The statements that put down what isn't known yet.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table belongs to another mode, or where a `replace` would
    ///   take the place of rows that its pipeline didn't write.
    func missing(for tables: SQLiteTables) throws -> [String] {
        try checkLayout(tables)
        return try tables.definitions.compactMap { definition in
            // What was said of a table that is gone doesn't bind the one that is made now.
            if existing.contains(definition.name) {
                if let owner = owners[definition.name] {
                    try check(owner, of: definition.name, tables)
                    return nil
                }
                if tables.mode.holdsOneRun { try checkEmpty(definition.name) }
            }
            return "INSERT OR REPLACE INTO sluice_tables (table_name, pipeline, mode) VALUES "
                + "(\(literal(definition.name)), \(literal(tables.pipeline)), \(literal(tables.mode.rawValue)))"
        }
    }

    private func check(_ owner: Owner, of table: String, _ tables: SQLiteTables) throws {
        guard owner.mode == tables.mode.rawValue else {
            throw PipelineError(
                .configuration,
                "\(connection.path): table '\(table)' is written in mode '\(owner.mode)' by pipeline "
                    + "'\(owner.pipeline)', not in mode '\(tables.mode.rawValue)'",
                hint: "Set mode: \(owner.mode), name another path, or drop the tables there to begin anew.")
        }
        guard !tables.mode.holdsOneRun || owner.pipeline == tables.pipeline else {
            throw PipelineError(
                .configuration,
                "\(connection.path): table '\(table)' belongs to pipeline '\(owner.pipeline)', and mode 'replace' would "
                    + "take the place of everything it wrote",
                hint: "Name another path for pipeline '\(tables.pipeline)'.")
        }
    }

    /// Tables of another layout would keep rows that nothing brings up to date. In `append` each run's rows are its own.
    private func checkLayout(_ tables: SQLiteTables) throws {
        guard !tables.mode.keepsRunsApart else { return }
        let written = Set(tables.definitions.map(\.name))
        let stale = owners.keys.filter { existing.contains($0) && !written.contains($0) }.sorted()
        guard let first = stale.first else { return }
        throw PipelineError(
            .configuration,
            "\(connection.path): table '\(first)' was written with another layout, and its rows would go out of date",
            hint:
                "Set the layout that it was written with, name another path, or drop \(stale.joined(separator: ", ")).")
    }

    private func checkEmpty(_ table: String) throws {
        if try connection.query("SELECT 1 FROM \(quoted(table)) LIMIT 1").isEmpty { return }
        throw PipelineError(
            .configuration,
            "\(connection.path): table '\(table)' has rows that no pipeline wrote, and mode 'replace' would take their place",
            hint: "Name another path, or rename the table.")
    }
}
