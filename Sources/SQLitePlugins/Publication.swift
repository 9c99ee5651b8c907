internal import PipelineCore
internal import SQLStore

/// The end of a `replace`: what was filled aside takes the place of what readers see.
///
/// All of it happens in one transaction, which is the caller's, so a reader has the old content or the new.
struct Publication {
    let connection: SQLiteConnection
    let tables: SQLiteTables
    let runID: String

    /// Sorting for an index must not take memory without bound; this can't be said within a transaction.
    func makeReady() throws { try connection.execute("PRAGMA temp_store = FILE") }

    /// Counts the endpoints that are there, and those of them that the new content lacks.
    func observe() throws -> RunCounts { try ReplacedEndpoints(connection, tables.layout).count() }

    /// Swaps the tables. Views stay as they are: they name tables, and find the new ones.
    func swap() throws {
        let shadows = ShadowTables(connection, tables)
        for definition in tables.layout.content {
            try shadows.adoptForm(of: definition)
            try Failpoint.reach("sqlite.publish.before-drop")
            let objects = try usersObjects(on: definition)
            try connection.execute("DROP TABLE \(quoted(definition.name))")
            try Failpoint.reach("sqlite.publish.after-drop")
            let shadow = StoreLayout.shadow(of: definition)
            for columns in shadow.indexes {
                try connection.execute("DROP INDEX IF EXISTS \(quoted(SQLiteTables.indexName(shadow, columns)))")
            }
            try connection.execute("ALTER TABLE \(quoted(shadow.name)) RENAME TO \(quoted(definition.name))")
            try Failpoint.reach("sqlite.publish.after-rename")
            for columns in definition.indexes { try connection.execute(SQLiteTables.createIndex(definition, columns)) }
            for object in objects { try recreate(object, on: definition) }
            try Failpoint.reach("sqlite.publish.after-indexes")
        }
        for table in tables.layout.definitions where table.role == .failures && table.index(of: "run_id") != nil {
            try connection.execute("DELETE FROM \(quoted(table.name)) WHERE run_id <> \(literal(runID))")
        }
        try Failpoint.reach("sqlite.publish.after-failures")
    }

    private struct SchemaObject {
        var type: String
        var name: String
        var sql: String
    }

    /// The indexes and triggers on a table that aren't the layout's.
    private func usersObjects(on definition: TableDefinition) throws -> [SchemaObject] {
        let own = Set(definition.indexes.map { SQLiteTables.indexName(definition, $0) })
        let rows = try connection.query(
            """
            SELECT type, name, sql FROM sqlite_schema
            WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid
            """, definition.name)
        return rows.compactMap { row in
            guard let type = row[0], let name = row[1], let sql = row[2], !own.contains(name) else { return nil }
            return SchemaObject(type: type, name: name, sql: sql)
        }
    }

    private func recreate(_ object: SchemaObject, on definition: TableDefinition) throws {
        do {
            try connection.execute(object.sql)
        } catch let violation as ConstraintViolation {
            throw PipelineError(
                .configuration,
                "\(connection.path): the run is whole, but can't be published: \(object.type) '\(object.name)' on "
                    + "'\(definition.name)', which isn't this program's, doesn't admit its rows (\(violation.message))",
                hint: "Drop the \(object.type) and run again: that publishes what waits.")
        }
    }
}
