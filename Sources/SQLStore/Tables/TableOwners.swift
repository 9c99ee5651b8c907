internal import PipelineCore

/// Which pipeline and mode each table belongs to: what `sluice_tables` says.
public struct TableOwners {
    private struct Owner {
        var pipeline: String
        var mode: String
    }

    private let database: any SQLDatabase
    private var owners: [String: Owner] = [:]
    private let existing: Set<String>

    /// - Parameter existing: the names of the tables that are there; `sluice_tables` needn't be.
    public init(_ database: any SQLDatabase, existing: Set<String>) throws {
        self.database = database
        self.existing = existing
        guard existing.contains(LedgerTables.owners.name) else { return }
        for row in try database.rows(
            "SELECT table_name, pipeline, mode FROM \(database.name(LedgerTables.owners.name))")
        {
            guard let name = row[0] else { continue }
            owners[name] = Owner(pipeline: row[1] ?? "", mode: row[2] ?? "")
        }
    }

    /// The statements that put down what isn't known yet.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table belongs to another mode, or where a `replace` would
    ///   take the place of rows that its pipeline didn't write.
    public func missing(for layout: StoreLayout) throws -> [String] {
        try checkLayout(layout)
        return try layout.definitions.compactMap { definition in
            // What was said of a table that is gone doesn't bind the one that is made now.
            if existing.contains(definition.name) {
                if let owner = owners[definition.name] {
                    try check(owner, of: definition.name, layout)
                    return nil
                }
                if layout.mode.holdsOneRun { try checkEmpty(definition.name) }
            }
            return "INSERT INTO \(database.name(LedgerTables.owners.name)) (table_name, pipeline, mode) "
                + "VALUES (\(literal(definition.name)), \(literal(layout.pipeline)), \(literal(layout.mode.rawValue))) "
                + "ON CONFLICT (table_name) DO UPDATE SET pipeline = excluded.pipeline, mode = excluded.mode"
        }
    }

    private func check(_ owner: Owner, of table: String, _ layout: StoreLayout) throws {
        guard owner.mode == layout.mode.rawValue else {
            throw PipelineError(
                .configuration,
                "\(database.place): table '\(table)' is written in mode '\(owner.mode)' by pipeline "
                    + "'\(owner.pipeline)', not in mode '\(layout.mode.rawValue)'",
                hint: "Set mode: \(owner.mode), name another \(database.placeOption), or drop the tables there "
                    + "to begin anew.")
        }
        guard !layout.mode.holdsOneRun || owner.pipeline == layout.pipeline else {
            throw PipelineError(
                .configuration,
                "\(database.place): table '\(table)' belongs to pipeline '\(owner.pipeline)', and mode 'replace' would "
                    + "take the place of everything it wrote",
                hint: "Name another \(database.placeOption) for pipeline '\(layout.pipeline)'.")
        }
    }

    /// Tables of another layout would keep rows that nothing brings up to date. In `append` each run's rows are its own.
    private func checkLayout(_ layout: StoreLayout) throws {
        guard !layout.mode.keepsRunsApart else { return }
        let written = Set(layout.definitions.map(\.name))
        let stale = owners.keys.filter { existing.contains($0) && !written.contains($0) }.sorted()
        guard let first = stale.first else { return }
        throw PipelineError(
            .configuration,
            "\(database.place): table '\(first)' was written with another layout, and its rows would go out of date",
            hint: "Set the layout that it was written with, name another \(database.placeOption), or drop "
                + "\(stale.joined(separator: ", ")).")
    }

    private func checkEmpty(_ table: String) throws {
        if try database.isEmpty(database.name(table)) { return }
        throw PipelineError(
            .configuration,
            "\(database.place): table '\(table)' has rows that no pipeline wrote, and mode 'replace' would take their place",
            hint: "Name another \(database.placeOption), or rename the table.")
    }
}
