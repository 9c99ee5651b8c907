internal import PipelineCore

extension SQLiteTables {
    /// Removes what an earlier execution of the same run left: its failures, and its rows where each run has its own.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where rows of other shards stand among them, from which nothing
    ///   tells them apart.
    func removeRows(ofRun runID: String, ledger: RunLedger, in connection: SQLiteConnection) throws {
        for table in definitions where table.role == .failures && table.index(of: "run_id") != nil {
            let hasShard = table.index(of: "shard") != nil
            let statement = "DELETE FROM \(quoted(table.name)) WHERE run_id = \(literal(runID))"
            try connection.execute(hasShard ? "\(statement) AND shard = \(ledger.shard)" : statement)
        }
        let keyed = content.filter(\.isKeyedByRun)
        if keyed.isEmpty { return try giveBackRows(ofRun: runID, ledger: ledger, in: connection) }
        if try ledger.hasOtherShards(ofRun: runID) {
            guard try ledger.run(withID: runID) != nil else { return }
            throw PipelineError(
                .configuration,
                "\(connection.path): run \(runID) has been written by other shards too, so shard \(ledger.shard) can't be "
                    + "done again in mode 'append': its rows can't be told from theirs",
                hint: "Begin all shards with another --logical-date.")
        }
        for table in keyed {
            try connection.execute("DELETE FROM \(quoted(table.name)) WHERE run_id = \(literal(runID))")
            try Failpoint.reach("sqlite.begin.after-delete")
        }
    }
    /// Makes the rows of an earlier execution of the same run an earlier run's: they get the ordinal -1, before all that
    /// this one writes. Only `merge` keeps them; which of them are which shard's can't be told.
    private func giveBackRows(ofRun runID: String, ledger: RunLedger, in connection: SQLiteConnection) throws {
        guard mode.mergesWithEarlierRuns, try ledger.run(withID: runID) != nil, try !ledger.hasOtherShards(ofRun: runID)
        else {
            return
        }
        for table in content where table.index(of: "run_id") != nil && table.index(of: "ordinal") != nil {
            try connection.execute("UPDATE \(quoted(table.name)) SET ordinal = -1 WHERE run_id = \(literal(runID))")
        }
        try Failpoint.reach("sqlite.begin.after-give-back")
    }
}
