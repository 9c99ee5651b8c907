internal import PipelineCore
internal import SQLStore

/// Amending a run that has ended: its failures, and rows that came after them.
extension SQLiteStore {
    /// Removes rows of failures, and leaves out of a batch what its own run has written since.
    ///
    /// - Returns: what is left of the batch, and how many of its endpoints aren't.
    func makeRoom(for batch: Batch, runID: String) throws -> (batch: Batch, superseded: Int) {
        if batch.amends.isEmpty { return (batch, 0) }
        try failures?.remove(batch.amends, ofRun: runID)
        try Failpoint.reach("sqlite.amend.after-failures")
        let tables = destinations
        return try batch.droppingSuperseded(
            users: try later(batch, .users, tables, runID: runID),
            endpoints: try later(batch, .endpoints, tables, runID: runID), tables)
    }

    /// The rows of a batch whose key the run has stored with a higher ordinal.
    private func later(
        _ batch: Batch, _ role: TableRole, _ tables: [TableDefinition], runID: String
    ) throws -> Set<Int> {
        guard let place = tables.firstIndex(where: { $0.role == role }), tables[place].index(of: "run_id") != nil,
            let ordinal = tables[place].index(of: "ordinal")
        else { return [] }
        let definition = tables[place]
        let (application, id) = definition.ownerColumns
        let statement = try connection.prepare(
            "SELECT 1 FROM \(quoted(definition.name)) WHERE \(quoted(definition.columns[application].name)) = ?1 "
                + "AND \(quoted(definition.columns[id].name)) = ?2 AND run_id = ?3 AND ordinal > ?4")
        try statement.bind(3, runID)
        return try batch.tables[place].withRows { rows in
            // The bytes that are bound go with the rows.
            defer { statement.finalize() }
            var found: Set<Int> = []
            for row in 0..<rows.count {
                try statement.bindInPlace(1, rows.bytes(row, application))
                try statement.bindInPlace(2, rows.bytes(row, id))
                try statement.bind(4, Int(rows.cell(row, ordinal).integer))
                if try statement.step() { found.insert(row) }
                statement.reset()
            }
            return found
        }
    }
}
