internal import PipelineCore

extension SQLiteTables {
    /// What a first try has made and left empty, by name and kind, views and shadow tables included: it binds nobody.
    ///
    /// - Returns: Nothing where anything was ever committed, where another pipeline writes too, or where a table has rows.
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
        for table in tables where try !connection.query("SELECT 1 FROM \(quoted(table)) LIMIT 1").isEmpty { return [] }
        var left = tables.map { (name: $0, kind: "table") }
        if kinds["user_attributes"] == "view" {
            let columns = try connection.query("SELECT name FROM pragma_table_info('user_attributes')").map { $0[0] }
            if columns == Self.viewColumns { left.append((name: "user_attributes", kind: "view")) }
        }
        return left
    }
}
