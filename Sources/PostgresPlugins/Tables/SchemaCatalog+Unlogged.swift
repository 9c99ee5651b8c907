internal import PipelineCore
internal import SQLStore

extension SchemaCatalog {
    /// For each table of a schema that isn't written to the server's log as a whole, what of it isn't: itself, or partitions
    /// and tables that inherit from it. PostgreSQL empties these after a crash, while the checkpoint stays.
    static func unlogged(schema: String, in connection: PostgresConnection) throws -> [String: [String]] {
        let rows = try connection.query(
            """
            WITH RECURSIVE part (root, oid) AS (
                SELECT c.oid, c.oid FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
                UNION
                SELECT p.root, i.inhrelid FROM part AS p JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid)
            SELECT r.relname, c.relname FROM part AS p
            JOIN pg_catalog.pg_class AS r ON r.oid = p.root JOIN pg_catalog.pg_class AS c ON c.oid = p.oid
            WHERE c.relpersistence = 'u' AND c.relkind = 'r'
            ORDER BY r.relname, c.relname
            """, [schema]
        ).rows
        var names: [String: [String]] = [:]
        for row in rows {
            if let table = row[0], let part = row[1] { names[table, default: []].append(part) }
        }
        return names
    }

    /// `'users', 'endpoints_2026' of 'endpoints'`; nil where all of the tables are logged.
    static func described(_ unlogged: [String: [String]], among tables: [String]) -> String? {
        let names = tables.flatMap { table in
            (unlogged[table] ?? []).map { $0 == table ? "'\(table)'" : "'\($0)' of '\(table)'" }
        }
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }

    /// What is to be said to somebody who only looks; nil where nothing is.
    func unloggedWarning(_ tables: [String], target: String) -> String? {
        Self.described(relations.mapValues(\.unlogged), among: tables).map {
            "\(target): UNLOGGED: \($0). PostgreSQL empties such tables after a crash, so rows may be missing; runs into them "
                + "are refused until ALTER TABLE … SET LOGGED"
        }
    }
}

extension PostgresTables {
    /// - Throws: `PipelineError` of kind `.configuration` where a crash of the server would empty tables, and not take back
    ///   the checkpoint that says that their rows are there.
    func checkLogged(in connection: PostgresConnection) throws {
        var names = layout.all.map(\.name)
        if layout.mode.publishesAtEnd { names += layout.content.map { StoreLayout.shadowName(of: $0.name) } }
        let unlogged = try SchemaCatalog.unlogged(schema: schema, in: connection)
        guard let described = SchemaCatalog.described(unlogged, among: names) else { return }
        throw PipelineError(
            .configuration,
            "\(target): UNLOGGED: \(described). PostgreSQL empties such tables after a crash, and rows that are committed "
                + "would be lost",
            hint:
                "ALTER TABLE … SET LOGGED. Where the server has crashed since they were made UNLOGGED, rows are gone: begin "
                + "anew with --fresh.")
    }
}
