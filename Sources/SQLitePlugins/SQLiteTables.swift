internal import PipelineCore
internal import SQLStore
internal import StoreFormat

/// The tables of a layout as SQLite has them: their DDL, and what a database lacks of them.
struct SQLiteTables {
    let layout: StoreLayout

    /// Brings what an earlier version wrote to the current format, then creates what is missing; where nothing is, the database isn't written.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table exists and differs, or belongs to another mode or,
    ///   of a `replace`, to another pipeline.
    func create(in connection: SQLiteConnection) throws {
        try LedgerFormat(connection) { try connection.transaction($0) }.bringUpToDate()
        if try missing(in: connection).isEmpty { return }
        // Sorting for an index of a large table must not take memory without bound; this can't be said in a transaction.
        try connection.execute("PRAGMA temp_store = FILE")
        try connection.transaction {
            // Another process may have been faster: look again, now that nobody else can write.
            for statement in try missing(in: connection) {
                try Failpoint.reach("sqlite.open.ddl")
                try connection.execute(statement)
            }
            try connection.mark(.current)
            try Failpoint.reach("sqlite.open.before-commit")
        }
        try connection.execute("PRAGMA temp_store = MEMORY")
    }

    /// Writes nothing.
    ///
    /// - Throws: as `create`.
    func check(in connection: SQLiteConnection) throws {
        try LedgerFormat.check(connection)
        _ = try missing(in: connection)
    }

    /// The statements that make the database what the layout wants.
    func missing(in connection: SQLiteConnection) throws -> [String] {
        var kinds: [String: String] = [:]
        // Triggers have names of their own.
        for row in try connection.query("SELECT name, type FROM sqlite_schema WHERE type <> 'trigger'") {
            if let name = row[0], let kind = row[1] { kinds[name] = kind }
        }
        do {
            return try missing(in: connection, kinds)
        } catch let error as PipelineError where error.kind == .configuration {
            guard let left = try leftByFirstTry(in: connection, kinds) else { throw error }
            for name in left.relations.map(\.name) + left.indexes { kinds[name] = nil }
            let drops = left.relations.reversed().map { "DROP \($0.kind.uppercased()) \(quoted($0.name))" }
            return drops + ["DELETE FROM \(quoted(LedgerTables.owners.name))"] + (try missing(in: connection, kinds))
        }
    }

    /// - Parameter kinds: what there is in the database, by name; what isn't named counts as absent.
    private func missing(in connection: SQLiteConnection, _ kinds: [String: String]) throws -> [String] {
        try checkSpelling(of: kinds, in: connection)
        // First: of tables in another mode, that is what is to be said, and not how they differ.
        let existing = Set(kinds.filter { $0.value == "table" }.keys)
        let owners = try TableOwners(connection, existing: existing).missing(for: layout)
        var statements: [String] = []
        for definition in layout.all {
            switch kinds[definition.name] {
            case nil: statements.append(Self.createTable(definition))
            case "table": statements += try missingColumns(of: definition, in: connection)
            case let kind?:
                throw PipelineError(
                    .configuration, "\(connection.path): '\(definition.name)' is a \(kind) there, not a table",
                    hint: "Rename it, or name another path.")
            }
            statements += try missingIndexes(of: definition, in: connection, kinds)
        }
        if layout.mode.publishesAtEnd {
            // Of a run that an earlier version of the layout began.
            for shadow in layout.content.map(StoreLayout.shadow) where kinds[shadow.name] == "table" {
                statements += try missingColumns(of: shadow, in: connection)
                statements += try missingIndexes(of: shadow, in: connection, kinds)
            }
        }
        statements += try missingView(in: connection, kinds)
        return statements + owners + (try LedgerFormat.missing(in: connection))
    }

    /// The names of the tables that are there.
    static func existing(in connection: SQLiteConnection) throws -> Set<String> {
        Set(try connection.query("SELECT name FROM sqlite_schema WHERE type = 'table'").compactMap { $0[0] })
    }

    // MARK: DDL

    /// The DDL of one table.
    ///
    /// Narrow rows that are found by their key alone stand in the key's own B-tree: half the pages to write. Endpoints
    /// don't: their rows are wide, so with random IDs every batch would rewrite most pages of the table (measured: 29 %
    /// more written), and SQLite would look a user's endpoints up by a prefix of that key, which is the whole table.
    static func createTable(_ definition: TableDefinition) -> String {
        let columns = definition.columns.map { column in
            "\(quoted(column.name)) \(typeName(column.type))\(definition.key.contains(column.name) ? " NOT NULL" : "")"
        }
        let isNarrow = definition.role == .users || definition.role == .endpointParts
        return createTable(definition.name, columns, key: definition.key) + (isNarrow ? " WITHOUT ROWID" : "")
    }

    /// - Parameter columns: each column's declaration.
    static func createTable(_ name: String, _ columns: [String], key: [String]) -> String {
        "CREATE TABLE \(quoted(name)) (\(columns.joined(separator: ", ")), PRIMARY KEY (\(quoted(key))))"
    }

    static func createIndex(_ definition: TableDefinition, _ columns: [String]) -> String {
        createIndex(on: definition.name, columns)
    }

    static func createIndex(on table: String, _ columns: [String]) -> String {
        "CREATE INDEX \(quoted(indexName(table, columns))) ON \(quoted(table)) (\(quoted(columns)))"
    }

    static func indexName(_ definition: TableDefinition, _ columns: [String]) -> String {
        indexName(definition.name, columns)
    }

    private static func indexName(_ table: String, _ columns: [String]) -> String {
        ([table] + columns).joined(separator: "_")
    }

    static func typeName(_ type: ColumnType) -> String {
        switch type {
        case .integer: "INTEGER"
        case .real: "REAL"
        case .text, .json, .time: "TEXT"
        }
    }
}
