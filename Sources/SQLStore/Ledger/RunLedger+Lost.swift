internal import PipelineCore

extension RunLedger {
    /// Tables that are gone although an unfinished run has committed to them.
    ///
    /// - Parameter existing: the names of the tables that are there; the ledger's own needn't be.
    public func droppedTables(of layout: StoreLayout, existing: Set<String>) throws -> [String] {
        guard existing.contains(LedgerTables.runs.name), existing.contains(LedgerTables.checkpoints.name) else {
            return []
        }
        let missing = layout.definitions.map(\.name).filter { !existing.contains($0) }
        if missing.isEmpty { return [] }
        let committed = try database.rows(
            "SELECT 1 FROM \(database.name(LedgerTables.checkpoints.name)) "
                + "JOIN \(database.name(LedgerTables.runs.name)) AS r USING (pipeline, shard, run_id) "
                + "WHERE pipeline = \(database.parameter(1)) AND shard = \(database.parameter(2)) "
                + "AND r.state IN ('running', 'unpublished') AND commit_number > 0", [pipeline, String(shard)])
        return committed.isEmpty ? [] : missing
    }

    /// The tables that a first try of this pipeline and shard has made without ever having committed anything, those that a
    /// `replace` fills aside included. Where they are as they were made, and empty, another configuration may have their
    /// place.
    ///
    /// - Parameter existing: the names of the tables that are there, the ledger's own among them.
    /// - Returns: Nil where anything was ever committed, or where another pipeline or shard writes too.
    public func tablesOfFirstTry(existing: Set<String>) throws -> [String]? {
        let owners = database.name(LedgerTables.owners.name)
        let (pipeline, shard) = (database.parameter(1), database.parameter(2))
        let others = try database.rows(
            """
            SELECT 1 FROM \(database.name(LedgerTables.runs.name))
            WHERE pipeline <> \(pipeline) OR shard <> \(shard) OR state NOT IN ('running', 'abandoned')
            UNION ALL SELECT 1 FROM \(database.name(LedgerTables.checkpoints.name))
            WHERE pipeline <> \(pipeline) OR shard <> \(shard) OR commit_number > 0
            UNION ALL SELECT 1 FROM \(owners) WHERE pipeline <> \(pipeline)
            """, [self.pipeline, String(self.shard)])
        guard others.isEmpty else { return nil }
        return try database.rows("SELECT table_name FROM \(owners) ORDER BY table_name").compactMap { $0[0] }
            .flatMap { [$0, StoreLayout.shadowName(of: $0)] }.filter(existing.contains)
    }
}
