internal import PipelineCore

extension PostgresTables {
    /// What a first try has made and left empty, the view and shadow tables included: it binds nobody.
    ///
    /// - Returns: Nothing where anything was ever committed, where another pipeline writes too, where a table has rows, or
    ///   where somebody has changed one.
    func leftByFirstTry(in connection: PostgresConnection, _ catalog: SchemaCatalog) throws -> [String] {
        guard RunLedger.tables.allSatisfy({ catalog.relations[$0.name] != nil }) else { return [] }
        let others = try connection.query(
            """
            SELECT 1 FROM \(name(RunLedger.runs.name)) WHERE pipeline <> $1 OR state IN ('complete', 'unpublished')
            UNION ALL SELECT 1 FROM \(name(RunLedger.checkpoints.name)) WHERE pipeline <> $1 OR commit_number > 0
            UNION ALL SELECT 1 FROM \(name(RunLedger.owners.name)) WHERE pipeline <> $1
            """, [pipeline])
        guard others.rowCount == 0 else { return [] }
        let owned = try connection.query("SELECT table_name FROM \(name(RunLedger.owners.name)) ORDER BY table_name")
            .rows
        let tables = owned.compactMap { $0[0] }.flatMap { [$0, Self.shadow(of: $0)] }
            .filter { ["r", "p"].contains(catalog.relations[$0]?.kind) }
        guard tables.allSatisfy({ catalog.relations[$0]?.isLikeMadeHere == true }) else { return [] }
        for table in tables where try connection.query("SELECT 1 FROM \(name(table)) LIMIT 1").rowCount > 0 {
            return []
        }
        guard let view = catalog.relations["user_attributes"], view.kind == "v",
            view.columns.map(\.name) == Self.viewColumns
        else { return tables }
        return tables + ["user_attributes"]
    }
}

extension SchemaCatalog.Relation {
    /// Whether nothing tells the table from one that this program makes, in whatever layout and mode.
    fileprivate var isLikeMadeHere: Bool {
        guard kind == "r", isOwn, unlogged.isEmpty, !key.isEmpty, !isKeyDeferrable else { return false }
        return columns.allSatisfy { column in
            if !column.comparesBytes || column.isFilledByServer { return false }
            if key.contains(column.name) { return true }
            return !column.isRequired && (column.name != "ordinal" || column.type == "bigint")
        }
    }
}
