public import PipelineCore

extension RunLedger {
    /// The newest run with its checkpoint, for somebody who only looks: the store may be of an earlier format, or have no
    /// ledger yet.
    ///
    /// - Parameter existing: the names of the tables that are there.
    public static func stored(
        in database: any SQLDatabase, pipeline: String, shard: Int, existing: Set<String>
    ) throws -> SinkState {
        guard existing.isSuperset(of: [LedgerTables.runs.name, LedgerTables.checkpoints.name]) else {
            return SinkState()
        }
        func newest<Value: LedgerValue>(_ type: Value.Type, _ condition: String, _ arguments: [String]) throws -> Value?
        {
            let there = try database.columns(of: Value.ledgerTable.name)
            return try Value.rows(
                in: database, pipeline: pipeline, " AND shard = \(database.parameter(2))\(condition)",
                [String(shard)] + arguments, isRead: there.contains
            ).first?.value
        }
        guard let checkpoint = try newest(Checkpoint.self, "", []) else { return SinkState() }
        let run = try newest(RunRecord.self, " AND run_id = \(database.parameter(3))", [checkpoint.runID])
        return SinkState(lastRun: run, checkpoint: checkpoint)
    }
}
