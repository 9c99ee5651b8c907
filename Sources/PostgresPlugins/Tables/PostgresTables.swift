internal import PipelineCore

/// The tables of a layout as Postgres has them, in one schema: their DDL, and whether those that exist are the same.
struct PostgresTables {
    let schema: String
    let definitions: [TableDefinition]
    let mode: WriteMode
    let pipeline: String
    let shard: Int
    let onNewColumns: NewColumnsPolicy
    /// What the sink calls its place, for messages.
    let target: String

    init(
        schema: String, _ definitions: [TableDefinition], mode: WriteMode, pipeline: String, shard: Int,
        onNewColumns: NewColumnsPolicy, target: String
    ) throws {
        for role in [TableRole.users, .endpoints, .failures] where definitions.count(where: { $0.role == role }) > 1 {
            throw PipelineError(.software, "the layout has more than one table of \(role)")
        }
        self.schema = schema
        self.definitions = definitions
        self.mode = mode
        self.pipeline = pipeline
        self.shard = shard
        self.onNewColumns = onNewColumns
        self.target = target
    }

    /// A table's name with its schema, as SQL spells it.
    func name(_ table: String) -> String { "\(quoted(schema)).\(quoted(table))" }

    /// Where the rows of a `replace` wait until they are published.
    static func shadow(of table: String) -> String { "sluice_next_\(table)" }

    /// The tables whose rows belong to what is fetched; `failures` is none of them.
    var contentTables: [TableDefinition] { definitions.filter { $0.role != .failures } }

    // MARK: Creating

    /// Creates what is missing; where nothing is, nothing is written, so a role needs no right to create.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table exists and differs, or belongs to another mode.
    func create(in connection: PostgresConnection) throws {
        if try missing(in: connection).isEmpty { return try dropFormerIndexes(in: connection) }
        try connection.transaction {
            // Two first runs in a schema create it in turn: the second one looks again.
            try connection.query("SELECT pg_advisory_xact_lock($1::int, $2::int)", SessionLock.ddlKey(schema: schema))
            for statement in try missing(in: connection, isLocking: true) {
                try Failpoint.reach("postgres.open.ddl")
                try connection.execute(statement)
            }
            try Failpoint.reach("postgres.open.before-commit")
        }
        try dropFormerIndexes(in: connection)
    }

    /// Drops the indexes that an earlier version made. That locks readers out for a moment, so it doesn't wait for them for
    /// long: what stays now goes another time.
    private func dropFormerIndexes(in connection: PostgresConnection) throws {
        let catalog = try SchemaCatalog(schema: schema, in: connection)
        let names = definitions.flatMap { definition in
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
    private func missing(in connection: PostgresConnection, isLocking: Bool = false) throws -> [String] {
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
            let owners = "DELETE FROM \(name(RunLedger.owners.name))"
            return drops + [owners] + (try missing(in: connection, catalog))
        }
    }

    /// - Parameter catalog: what isn't there counts as absent.
    private func missing(in connection: PostgresConnection, _ catalog: SchemaCatalog) throws -> [String] {
        // First: tables of another mode differ in their keys, and the mode is what there is to say about that.
        let owners = try missingOwners(in: connection, catalog)
        var statements: [String] = []
        if !catalog.schemaExists { statements.append("CREATE SCHEMA \(quoted(schema))") }
        for definition in definitions + RunLedger.tables {
            let wanted = try catalog.relations[definition.name].map {
                try ExistingTable(definition, $0, self).statements()
            }
            statements += wanted ?? creation(of: definition)
        }
        if let view = userAttributesView {
            if let existing = catalog.relations["user_attributes"] {
                let columns = existing.columns.map(\.name)
                guard existing.kind == "v", Self.viewColumns.allSatisfy(columns.contains) else {
                    throw PipelineError(
                        .configuration, "\(target): 'user_attributes' is there, but isn't this program's view",
                        hint: "Rename or drop it, or name another schema.")
                }
            } else {
                statements.append(view)
            }
        }
        return statements + owners
    }

    private func missingOwners(in connection: PostgresConnection, _ catalog: SchemaCatalog) throws -> [String] {
        var owners: [String: (pipeline: String, mode: String)] = [:]
        if catalog.relations[RunLedger.owners.name] != nil {
            let rows = try connection.query(
                "SELECT table_name, pipeline, mode FROM \(name(RunLedger.owners.name))"
            ).rows
            for row in rows { owners[row[0] ?? ""] = (row[1] ?? "", row[2] ?? "") }
        }
        // Tables of another layout would keep rows that nothing brings up to date. In `append` each run's rows are its own.
        let written = Set(definitions.map(\.name))
        let stale = owners.keys.filter { catalog.relations[$0] != nil && !written.contains($0) }.sorted()
        if !mode.keepsRunsApart, let first = stale.first {
            throw PipelineError(
                .configuration,
                "\(target): table '\(first)' was written with another layout, and its rows would go out of date",
                hint: "Set the layout that it was written with, name another schema, or drop "
                    + "\(stale.joined(separator: ", ")).")
        }
        return try definitions.compactMap { definition in
            // What was said of a table that is gone doesn't bind the one that is made now.
            let exists = catalog.relations[definition.name] != nil
            guard let owner = owners[definition.name], exists else {
                if mode.holdsOneRun, exists { try checkEmpty(definition, in: connection) }
                return "INSERT INTO \(name(RunLedger.owners.name)) (table_name, pipeline, mode) "
                    + "VALUES (\(literal(definition.name)), \(literal(pipeline)), \(literal(mode.rawValue))) "
                    + "ON CONFLICT (table_name) DO UPDATE SET pipeline = EXCLUDED.pipeline, mode = EXCLUDED.mode"
            }
            guard owner.mode == mode.rawValue else {
                throw PipelineError(
                    .configuration,
                    "\(target): table '\(definition.name)' is written in mode '\(owner.mode)', not '\(mode.rawValue)'",
                    hint: "Set mode: \(owner.mode), or name another schema.")
            }
            guard !mode.holdsOneRun || owner.pipeline == pipeline else {
                throw PipelineError(
                    .configuration,
                    "\(target): table '\(definition.name)' is replaced by the runs of pipeline '\(owner.pipeline)'",
                    hint: "Name another schema: what one pipeline publishes there, the other would remove.")
            }
            return nil
        }
    }

    private func checkEmpty(_ definition: TableDefinition, in connection: PostgresConnection) throws {
        if try connection.query("SELECT 1 FROM \(name(definition.name)) LIMIT 1").rowCount == 0 { return }
        throw PipelineError(
            .configuration,
            "\(target): table '\(definition.name)' has rows that no pipeline wrote, and mode 'replace' would take their "
                + "place",
            hint: "Name another schema, or rename the table.")
    }

    /// Tables that are gone although an unfinished run has committed to them.
    func droppedTables(in connection: PostgresConnection, shard: Int) throws -> [String] {
        let catalog = try SchemaCatalog(schema: schema, in: connection)
        guard catalog.relations[RunLedger.runs.name] != nil, catalog.relations[RunLedger.checkpoints.name] != nil else {
            return []
        }
        let missing = definitions.map(\.name).filter { catalog.relations[$0] == nil }
        if missing.isEmpty { return [] }
        let committed = try connection.query(
            "SELECT 1 FROM \(name(RunLedger.checkpoints.name)) JOIN \(name(RunLedger.runs.name)) AS r "
                + "USING (pipeline, shard, run_id) WHERE pipeline = $1 AND shard = $2 "
                + "AND r.state IN ('running', 'unpublished') AND commit_number > 0", [pipeline, String(shard)])
        return committed.rowCount == 0 ? [] : missing
    }

    // MARK: DDL

    /// A table and its indexes.
    private func creation(of definition: TableDefinition) -> [String] {
        let columns = definition.columns.map { column in
            "\(Self.declaration(column, isKey: definition.key.contains(column.name)))"
                + (definition.key.contains(column.name) ? " NOT NULL" : "")
        }
        let table =
            "CREATE TABLE \(name(definition.name)) (\(columns.joined(separator: ", ")), "
            + "PRIMARY KEY (\(list(definition.key))))"
        return [table] + definition.indexes.map { index(on: definition.name, $0) }
    }

    /// The server finds the name, so none can be taken.
    func index(on table: String, _ columns: [String]) -> String { "CREATE INDEX ON \(name(table)) (\(list(columns)))" }

    /// `"user_id" text COLLATE "C"`. Keys are compared by their bytes, which is also the fastest way to compare them.
    static func declaration(_ column: Column, isKey: Bool) -> String {
        "\(quoted(column.name)) \(typeName(column.type))"
            + (isKey && column.type == .text ? " COLLATE pg_catalog.\"C\"" : "")
    }

    static func typeName(_ type: ColumnType) -> String {
        switch type {
        case .text: "text"
        case .integer: "bigint"
        case .real: "double precision"
        case .json: "jsonb"
        case .time: "timestamp with time zone"
        }
    }

    // MARK: The view

    static let viewColumns = ["application_id", "user_id", "name", "position", "value"]

    /// For each user, the attributes carried by the endpoint with the latest effective date; of the latest complete run
    /// where runs stand side by side. Nil where the layout has no table for them.
    private var userAttributesView: String? {
        guard let endpoints = definitions.first(where: { $0.role == .endpoints }),
            let parts = definitions.first(where: { $0.name == "endpoint_user_attributes" }),
            ["application_id", "endpoint_id", "user_id", "effective_date"].allSatisfy({ endpoints.index(of: $0) != nil }
            ),
            ["application_id", "endpoint_id", "name", "position", "value"].allSatisfy({ parts.index(of: $0) != nil })
        else { return nil }
        let isKeyedByRun = mode.keepsRunsApart
        func sameRun(_ left: String, _ right: String) -> String {
            isKeyedByRun ? " AND \(left).run_id = \(right).run_id" : ""
        }
        // A sharded run is complete when each of its shards is.
        let latestRun = """

                AND e.run_id = (
                    SELECT r.run_id FROM \(name(RunLedger.runs.name)) AS r GROUP BY r.run_id
                    HAVING bool_and(r.state = 'complete')
                    ORDER BY max(r.logical_date) DESC, r.run_id DESC LIMIT 1)
            """
        // From the endpoints inwards: asking for one user then takes two index look-ups.
        return """
            CREATE VIEW \(name("user_attributes")) AS
            SELECT e.application_id, e.user_id, p.name, p."position", p.value
            FROM \(name(endpoints.name)) AS e
            JOIN \(name(parts.name)) AS p
                ON p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id\(sameRun("p", "e"))
            WHERE e.endpoint_id = (
                SELECT n.endpoint_id FROM \(name(endpoints.name)) AS n
                WHERE n.application_id = e.application_id AND n.user_id = e.user_id\(sameRun("n", "e"))
                ORDER BY n.effective_date DESC NULLS LAST, n.endpoint_id COLLATE pg_catalog."C" LIMIT 1)\
            \(isKeyedByRun ? latestRun : "")
            """
    }
}
