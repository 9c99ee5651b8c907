internal import PipelineCore
internal import SQLStore

/// The tables of a layout as Postgres has them, in one schema: their DDL, and whether those that exist are the same.
struct PostgresTables {
    let schema: String
    let layout: StoreLayout
    /// What the sink calls its place, for messages.
    let target: String

    /// A table's name with its schema, as SQL spells it.
    func name(_ table: String) -> String { PostgresDatabase.name(table, in: schema) }

    /// The schema by a connection.
    func database(_ connection: PostgresConnection) -> PostgresDatabase {
        PostgresDatabase(connection: connection, schema: schema, place: target)
    }

    /// Where a batch's rows go.
    func destination(_ definition: TableDefinition, isPublished: Bool) -> String {
        layout.mode.publishesAtEnd && definition.role != .failures && !isPublished
            ? name(StoreLayout.shadowName(of: definition.name)) : name(definition.name)
    }

    // MARK: Creating

    /// Brings what an earlier version wrote to the current format, then creates what is missing; where nothing is, nothing is written, so a role needs no right to create.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table exists and differs, or belongs to another mode.
    func create(in connection: PostgresConnection) throws {
        try LedgerFormat(database(connection)) { try changingTables(in: connection, $0) }.bringUpToDate()
        if try missing(in: connection).isEmpty { return try dropFormerIndexes(in: connection) }
        try changingTables(in: connection) {
            for statement in try missing(in: connection, isLocking: true) {
                try Failpoint.reach("postgres.open.ddl")
                try connection.execute(statement)
            }
            try Failpoint.reach("postgres.open.before-commit")
        }
        try dropFormerIndexes(in: connection)
    }

    /// Does something in a transaction that nobody else who makes tables here runs beside.
    private func changingTables(in connection: PostgresConnection, _ body: () throws -> Void) throws {
        try connection.transaction {
            // Two first runs in a schema create it in turn: the second one looks again.
            try connection.query("SELECT pg_advisory_xact_lock($1::int, $2::int)", SessionLock.ddlKey(schema: schema))
            try body()
        }
    }

    /// Drops the indexes that an earlier version made. That locks readers out for a moment, so it doesn't wait for them for
    /// long: what stays now goes another time.
    private func dropFormerIndexes(in connection: PostgresConnection) throws {
        let catalog = try SchemaCatalog(schema: schema, in: connection)
        let names = layout.definitions.flatMap { definition in
            catalog.relations[definition.name].map { ExistingTable(definition, $0, self).formerIndexes } ?? []
        }
        for index in names {
            do {
                try connection.transaction {
                    _ = try connection.execute("SET LOCAL lock_timeout = '1s'; DROP INDEX \(name(index))")
                }
            } catch let failure as PostgresFailure where failure.isLockTimeout || failure.isMissing {
                continue
            }
        }
    }

    /// The statements that make the schema what the layout wants.
    ///
    /// - Parameter isLocking: they follow in the same transaction, and what they drop must be locked.
    func missing(in connection: PostgresConnection, isLocking: Bool = false) throws -> [String] {
        var catalog = try SchemaCatalog(schema: schema, in: connection)
        do {
            return try missing(in: connection, catalog)
        } catch let error as PipelineError where error.kind == .configuration {
            let left: [String]
            do {
                left = try leftByFirstTry(in: connection, catalog, isLocking: isLocking)
            } catch let failure as PostgresFailure where failure.isLockTimeout {
                throw error
            }
            if left.isEmpty { throw error }
            let drops = left.reversed().map { relation in
                "DROP \(catalog.relations[relation]?.kind == "v" ? "VIEW" : "TABLE") \(name(relation))"
            }
            catalog.forget(left)
            let owners = "DELETE FROM \(name(LedgerTables.owners.name))"
            return drops + [owners] + (try missing(in: connection, catalog))
        }
    }

    /// - Parameter catalog: what isn't there counts as absent.
    private func missing(in connection: PostgresConnection, _ catalog: SchemaCatalog) throws -> [String] {
        // First: tables of another mode differ in their keys, and the mode is what there is to say about that.
        let owners = try TableOwners(database(connection), existing: catalog.names).missing(for: layout)
        var statements: [String] = []
        if !catalog.schemaExists { statements.append("CREATE SCHEMA \(quoted(schema))") }
        for definition in layout.all {
            let wanted = try catalog.relations[definition.name].map {
                try ExistingTable(definition, $0, self).statements()
            }
            statements += wanted ?? creation(of: definition)
        }
        statements += try missingView(in: connection, catalog)
        return statements + owners + (try LedgerFormat.missing(in: database(connection)))
    }
}
