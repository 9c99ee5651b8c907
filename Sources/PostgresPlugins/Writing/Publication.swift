internal import PipelineCore
internal import SQLStore

/// The tables in which a `replace` waits until it is complete, and how it takes the published rows' place.
struct Publication {
    private let connection: PostgresConnection
    private let tables: PostgresTables

    init(_ connection: PostgresConnection, _ tables: PostgresTables) {
        self.connection = connection
        self.tables = tables
    }

    private func shadow(_ definition: TableDefinition) -> String {
        tables.name(StoreLayout.shadowName(of: definition.name))
    }

    /// Makes the tables anew, with every default, constraint and index of the tables that they stand in for, so that what
    /// these would refuse is refused while its record can still be told.
    func begin() throws {
        try drop()
        for definition in tables.layout.content {
            try connection.execute(
                "CREATE TABLE \(shadow(definition)) (LIKE \(tables.name(definition.name)) INCLUDING ALL)")
        }
    }

    func drop() throws {
        for definition in tables.layout.content {
            try connection.execute("DROP TABLE IF EXISTS \(shadow(definition))")
        }
    }

    /// - Throws: `PipelineError` of kind `.configuration` where what an unfinished run has filled aside is gone.
    func check(run runID: String) throws {
        let names = tables.layout.content.map { StoreLayout.shadowName(of: $0.name) }
        let found = try connection.query(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = $1", [tables.schema]
        ).rows.compactMap { $0[0] }
        let missing = names.filter { !found.contains($0) }
        guard let first = missing.first else { return }
        throw PipelineError(
            .configuration, "\(tables.target): table '\(first)', in which run \(runID) waits to be published, is gone",
            hint: "Run with --fresh to give the unfinished run up and begin again.")
    }

    /// Puts the run's rows in the place of what is published, and writes what differs. Readers see either, within one
    /// snapshot; views and grants stay as they are.
    func publish(pipeline: String, runID: String) throws -> RunCounts {
        let observed = try ReplacedEndpoints(tables.database(connection), tables.layout).count()
        try Failpoint.reach("postgres.publish.before-deletes")
        // Those that refer to others go first, and come last.
        let parentsFirst = try tables.layout.parentsFirst.map {
            try TableReplacement($0, published: tables.name($0.name), shadow: shadow($0), connection)
        }
        // Nobody else looks at the shadows, so nothing has counted their rows yet, and plans would be guesses.
        for table in parentsFirst { try connection.execute("ANALYZE \(table.shadow)") }
        try connection.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in parentsFirst.reversed() { try connection.execute(table.deletion) }
        try Failpoint.reach("postgres.publish.after-deletes")
        for table in parentsFirst {
            if let sighting = table.sighting { try connection.execute(sighting) }
            try connection.execute(table.insertion)
        }
        try Failpoint.reach("postgres.publish.after-inserts")
        for failures in tables.layout.definitions
        where failures.role == .failures && failures.index(of: "run_id") != nil {
            try connection.query(
                "DELETE FROM \(tables.name(failures.name)) WHERE run_id <> $2 AND run_id IN "
                    + "(SELECT run_id FROM \(tables.name(LedgerTables.runs.name)) WHERE pipeline = $1)",
                [pipeline, runID])
        }
        try drop()
        try Failpoint.reach("postgres.publish.after-drops")
        return observed
    }
}
