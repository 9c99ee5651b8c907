internal import PipelineCore
internal import SQLStore

extension SQLiteTables {
    /// What a first try has made and left empty. It holds nothing, so another configuration may have its place.
    struct FirstTry {
        /// By name and kind, in an order in which they can be made: tables, those that a `replace` fills aside, the view.
        var relations: [(name: String, kind: String)] = []
        /// What goes with the tables.
        var indexes: Set<String> = []
    }

    /// What this pipeline and shard have left without ever having committed anything.
    ///
    /// - Returns: Nil where anything was ever committed, where another pipeline or shard writes too, where a table has rows,
    ///   or where somebody has changed a table or the view, or added an index or a trigger.
    func leftByFirstTry(in connection: SQLiteConnection, _ kinds: [String: String]) throws -> FirstTry? {
        let existing = Set(kinds.filter { $0.value == "table" }.keys)
        let ledger = RunLedger(connection, pipeline: layout.pipeline, shard: layout.shard)
        guard LedgerTables.ofEveryFormat.allSatisfy({ existing.contains($0.name) }),
            let tables = try ledger.tablesOfFirstTry(existing: existing)
        else { return nil }
        var left = FirstTry(relations: tables.map { (name: $0, kind: "table") })
        for table in tables {
            guard try isAsMade(table, in: connection),
                try connection.query("SELECT 1 FROM \(quoted(table)) LIMIT 1").isEmpty
            else { return nil }
            left.indexes.formUnion(try indexes(of: table, in: connection))
        }
        if kinds["user_attributes"] == "view" {
            let text = try connection.query("SELECT sql FROM sqlite_schema WHERE name = 'user_attributes'").first?[0]
            let made = [true, false].flatMap { isKeyedByRun in
                (1...UserAttributesView.version).map { Self.userAttributes(isKeyedByRun: isKeyedByRun, version: $0) }
            }
            guard made.contains(where: { $0 == text }) else { return nil }
            left.relations.append((name: "user_attributes", kind: "view"))
        }
        let named = left.relations.map { literal($0.name) }.joined(separator: ", ")
        let added = try connection.query(
            "SELECT 1 FROM sqlite_schema WHERE tbl_name IN (\(named)) AND (type = 'trigger' OR type = 'index' AND sql NOTNULL "
                + "AND name NOT IN (\(left.indexes.map(literal).joined(separator: ", "))))")
        return added.isEmpty ? left : nil
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

    /// The table's indexes whose text is the one that this program writes for their columns.
    private func indexes(of table: String, in connection: SQLiteConnection) throws -> [String] {
        let rows = try connection.query(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql NOTNULL", table)
        return try rows.compactMap { row in
            guard let name = row[0] else { return nil }
            let columns = try connection.query("SELECT name FROM pragma_index_info(?1) ORDER BY seqno", name)
            return row[1] == Self.createIndex(on: table, columns.compactMap { $0[0] }) ? name : nil
        }
    }
}
