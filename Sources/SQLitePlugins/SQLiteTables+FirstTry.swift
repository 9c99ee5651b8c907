internal import PipelineCore

extension SQLiteTables {
    /// What a first try has made and left empty, by name and kind, views and shadow tables included: it binds nobody.
    ///
    /// - Returns: Nothing where anything was ever committed, where another pipeline writes too, where a table has rows, or
    ///   where somebody has changed one.
    func leftByFirstTry(in connection: SQLiteConnection, _ kinds: [String: String]) throws -> [(
        name: String, kind: String
    )] {
        guard (RunLedger.tables.map(\.name)).allSatisfy({ kinds[$0] == "table" }) else { return [] }
        let others = try connection.query(
            """
            SELECT 1 FROM sluice_runs WHERE pipeline <> ?1 OR state IN ('complete', 'unpublished')
            UNION ALL SELECT 1 FROM sluice_checkpoints WHERE pipeline <> ?1 OR commit_number > 0
            UNION ALL SELECT 1 FROM sluice_tables WHERE pipeline <> ?1
            """, pipeline)
        guard others.isEmpty else { return [] }
        let owned = try connection.query("SELECT table_name FROM sluice_tables ORDER BY table_name").compactMap {
            $0[0]
        }
        let tables = owned.flatMap { [$0, ShadowTables.name(of: $0)] }.filter { kinds[$0] == "table" }
        guard try tables.allSatisfy({ try isAsMade($0, in: connection) }) else { return [] }
        for table in tables where try !connection.query("SELECT 1 FROM \(quoted(table)) LIMIT 1").isEmpty { return [] }
        var left = tables.map { (name: $0, kind: "table") }
        if kinds["user_attributes"] == "view" {
            let columns = try connection.query("SELECT name FROM pragma_table_info('user_attributes')").map { $0[0] }
            if columns == Self.viewColumns { left.append((name: "user_attributes", kind: "view")) }
        }
        return left
    }

    /// Whether the table's own text is the one that this program writes for its columns and its key.
    private func isAsMade(_ table: String, in connection: SQLiteConnection) throws -> Bool {
        let sql = try connection.query("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", table)
        let rows = try connection.query(
            "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid", table)
        let key = rows.filter { $0[2] != "0" }.sorted { Int($0[2] ?? "") ?? 0 < Int($1[2] ?? "") ?? 0 }
        let names = Set(key.compactMap { $0[0] })
        let columns = rows.map { row in
            let name = row[0] ?? ""
            return "\(quoted(name)) \(row[1] ?? "")\(names.contains(name) ? " NOT NULL" : "")"
        }
        let made = Self.createTable(table, columns, key: key.compactMap { $0[0] })
        return sql.first?[0] == made || sql.first?[0] == made + " WITHOUT ROWID"
    }
}
