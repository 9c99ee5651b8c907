internal import PipelineCore
internal import SQLStore

/// A look at a schema before a run, in one read-only transaction on an executor of its own.
actor PostgresInspection {
    private let executor = BlockingExecutor(label: "postgres.inspection")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: PostgresSink
    private let context: SinkContext

    init(_ sink: PostgresSink, _ context: SinkContext) {
        self.sink = sink
        self.context = context
    }

    func perform() throws -> SinkInspection {
        do { return try look() } catch let failure as PostgresFailure {
            if failure.sqlState == "25006" {
                throw PipelineError(
                    .configuration, "\(sink.target): \(failure.message)",
                    hint: "Name the primary, or a database and role that may write.")
            }
            var error = failure.pipelineError(target: sink.target, doing: "look at it")
            if error.kind == .unavailable { error.hint = "Check that the server can be reached." }
            throw error
        }
    }

    private func look() throws -> SinkInspection {
        let connection = try PostgresConnection(sink.parameters)
        defer { connection.close() }
        try PostgresStore.check(connection, sink.target)
        try PoolerCheck(connection, sink.parameters, target: sink.target).perform()
        try connection.execute(
            "BEGIN READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; "
                + "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '30s'")
        let tables = PostgresTables(
            schema: sink.schema, layout: try StoreLayout(context, mode: sink.mode), target: sink.target)
        let database = tables.database(connection)
        try LedgerFormat.check(database)
        try tables.checkLogged(in: connection)
        let existing = try SchemaCatalog(schema: sink.schema, in: connection).names
        var result = SinkInspection(
            existingTables: tables.layout.definitions.map(\.name).filter(existing.contains),
            steps: try tables.missing(in: connection),
            state: try RunLedger.stored(
                in: database, pipeline: context.pipeline, shard: context.shard, existing: existing))
        let version = connection.serverVersion
        result.findings.append(.ok("PostgreSQL \(version / 10_000).\(version % 10_000) answers"))
        result.findings += try rights(
            connection, existing: tables.layout.all.map(\.name).filter(existing.contains),
            creates: !result.steps.isEmpty)
        let lock = SessionLock(
            schema: sink.schema, pipeline: context.pipeline, shard: context.shard, target: sink.target)
        if try SessionLock.held(connection)?.contains(lock.objectKey) == true {
            result.findings.append(
                .doubt("a run of this pipeline is under way there", hint: "A second one would end with 75."))
        }
        return result
    }

    /// What this role may not do of what a run does.
    private func rights(
        _ connection: PostgresConnection, existing: [String], creates: Bool
    ) throws -> [CheckFinding] {
        let row = try connection.query(
            """
            SELECT current_user, pg_catalog.has_database_privilege(current_database(), 'TEMP'),
                pg_catalog.has_database_privilege(current_database(), 'CREATE'),
                (SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace AS n
                 WHERE n.nspname = $1),
                (SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM pg_catalog.pg_namespace AS n
                 WHERE n.nspname = $1)
            """, [sink.schema])
        let role = PrintableText.of(row.text(0, 0) ?? "")
        var missing: [String] = []
        if !row.boolean(0, 1) { missing.append("make temporary tables in the database (TEMP)") }
        if row.text(0, 3) == nil {
            if !row.boolean(0, 2) { missing.append("create the schema '\(sink.schema)' (CREATE on the database)") }
        } else {
            if !row.boolean(0, 4) { missing.append("use the schema '\(sink.schema)' (USAGE)") }
            if creates, !row.boolean(0, 3) { missing.append("make or change tables there (CREATE on the schema)") }
        }
        for table in existing {
            let name = PostgresDatabase.name(table, in: sink.schema)
            let may = try connection.query(
                """
                SELECT pg_catalog.string_agg(p, ', ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
                WHERE NOT pg_catalog.has_table_privilege($1, p)
                """, [name])
            if let lacking = may.text(0, 0) { missing.append("write to '\(table)' (\(lacking))") }
        }
        guard !missing.isEmpty else {
            return [
                .ok(
                    existing.isEmpty ? "role '\(role)' may make the tables" : "the tables fit, role '\(role)' may write"
                )
            ]
        }
        return [
            CheckFinding(
                .failure(.permission), "role '\(role)' may not " + missing.joined(separator: ", nor "),
                hint: "GRANT it, or connect as another role.")
        ]
    }
}
