internal import PipelineCore

/// Amending a run that has ended: its failures, and rows that came after them.
extension SQLiteStore {
    private var failures: TableDefinition? {
        tables.definitions.first {
            $0.role == .failures && $0.index(of: "run_id") != nil && $0.index(of: "ordinal") != nil
        }
    }

    private func scope(_ failures: TableDefinition) -> String {
        "run_id = ?1" + (failures.index(of: "shard") == nil ? "" : " AND shard = \(ledger.shard)")
    }

    /// The records of a run that have a row of failures, in ordinal order.
    func failures(ofRun runID: String, from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        guard let table = failures else { return [] }
        let rows = try connection.query(
            "SELECT \(FailedRecord.selection(from: table, quoted)) FROM \(quoted(table.name)) WHERE \(scope(table)) "
                + "AND ordinal >= \(ordinal) ORDER BY ordinal LIMIT \(limit)", runID)
        return rows.map { row in
            FailedRecord(
                ordinal: row[0].flatMap { Int($0) } ?? 0, userID: row[1], line: row[2].flatMap { Int($0) } ?? 0,
                code: row[3] ?? "", status: row[4].flatMap { Int($0) }, hasRaw: row[5] != nil)
        }
    }

    /// Removes rows of failures, and leaves out of a batch what its own run has written since.
    ///
    /// - Returns: what is left of the batch, and how many of its endpoints aren't.
    func makeRoom(for batch: Batch, runID: String) throws -> (batch: Batch, superseded: Int) {
        if batch.amends.isEmpty { return (batch, 0) }
        if let table = failures {
            let ordinals = batch.amends.map(String.init).joined(separator: ", ")
            _ = try connection.query(
                "DELETE FROM \(quoted(table.name)) WHERE \(scope(table)) AND ordinal IN (\(ordinals))", runID)
        }
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
