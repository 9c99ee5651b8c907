internal import PipelineCore

/// The tables of a layout as SQLite has them: their DDL, and what a database lacks of them.
struct SQLiteTables {
    let definitions: [TableDefinition]
    let pipeline: String
    let shard: Int
    let mode: WriteMode
    let onNewColumns: NewColumnsPolicy

    init(_ context: SinkContext, mode: WriteMode) throws {
        for role in [TableRole.users, .endpoints] where context.tables.count(where: { $0.role == role }) > 1 {
            throw PipelineError(.software, "the layout has more than one table of \(role)")
        }
        definitions = context.tables
        pipeline = context.pipeline
        shard = context.shard
        self.mode = mode
        onNewColumns = context.onNewColumns
    }

    /// The tables whose rows a run brings; failures are a diary of runs, and written as such in every mode.
    var content: [TableDefinition] { definitions.filter { $0.role != .failures } }

    /// Creates what is missing; where nothing is, the database isn't written.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table exists and differs, or belongs to another mode or,
    ///   of a `replace`, to another pipeline.
    func create(in connection: SQLiteConnection) throws {
        if try missing(in: connection).isEmpty { return }
        // Sorting for an index of a large table must not take memory without bound; this can't be said in a transaction.
        try connection.execute("PRAGMA temp_store = FILE")
        try connection.transaction {
            // Another process may have been faster: look again, now that nobody else can write.
            for statement in try missing(in: connection) {
                try Failpoint.reach("sqlite.open.ddl")
                try connection.execute(statement)
            }
            try Failpoint.reach("sqlite.open.before-commit")
        }
        try connection.execute("PRAGMA temp_store = MEMORY")
    }

    /// Writes nothing.
    ///
    /// - Throws: as `create`.
    func check(in connection: SQLiteConnection) throws { _ = try missing(in: connection) }

    /// The statements that make the database what the layout wants.
    private func missing(in connection: SQLiteConnection) throws -> [String] {
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
            return drops + ["DELETE FROM sluice_tables"] + (try missing(in: connection, kinds))
        }
    }

    /// - Parameter kinds: what there is in the database, by name; what isn't named counts as absent.
    private func missing(in connection: SQLiteConnection, _ kinds: [String: String]) throws -> [String] {
        try checkSpelling(of: kinds, in: connection)
        // First: of tables in another mode, that is what is to be said, and not how they differ.
        let owners = try TableOwners(in: connection, kinds).missing(for: self)
        var statements: [String] = []
        for definition in definitions + RunLedger.tables {
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
        if mode.publishesAtEnd {
            // Of a run that an earlier version of the layout began.
            for shadow in content.map(ShadowTables.shadow) where kinds[shadow.name] == "table" {
                statements += try missingColumns(of: shadow, in: connection)
                statements += try missingIndexes(of: shadow, in: connection, kinds)
            }
        }
        if let view = userAttributesView {
            if kinds["user_attributes"] != nil {
                let existing = try connection.query("SELECT sql FROM sqlite_schema WHERE name = 'user_attributes'")
                    .first
                guard existing?.first == view else {
                    throw PipelineError(
                        .configuration, "\(connection.path): 'user_attributes' is there, but isn't this program's view",
                        hint: "Rename or drop it, or name another path.")
                }
            } else {
                statements.append(view)
            }
        }
        return statements + owners
    }

    /// Tables that are gone although an unfinished run has committed to them.
    func droppedTables(in connection: SQLiteConnection, shard: Int) throws -> [String] {
        let names = Set(
            try connection.query("SELECT name FROM sqlite_schema WHERE type = 'table'").compactMap { $0[0] })
        guard names.contains(RunLedger.runs.name), names.contains(RunLedger.checkpoints.name) else { return [] }
        let missing = definitions.map(\.name).filter { !names.contains($0) }
        if missing.isEmpty { return [] }
        let committed = try connection.query(
            "SELECT 1 FROM sluice_checkpoints JOIN sluice_runs AS r USING (pipeline, shard, run_id) "
                + "WHERE pipeline = ?1 AND shard = CAST(?2 AS INTEGER) AND r.state IN ('running', 'unpublished') "
                + "AND commit_number > 0", pipeline, String(shard))
        return committed.isEmpty ? [] : missing
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
        "CREATE TABLE \(quoted(name)) (\(columns.joined(separator: ", ")), PRIMARY KEY (\(list(key))))"
    }

    static func createIndex(_ definition: TableDefinition, _ columns: [String]) -> String {
        createIndex(on: definition.name, columns)
    }

    static func createIndex(on table: String, _ columns: [String]) -> String {
        "CREATE INDEX \(quoted(indexName(table, columns))) ON \(quoted(table)) (\(list(columns)))"
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
