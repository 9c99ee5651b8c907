public import PipelineCore

/// What a store holds for somebody who only looks: runs, as its ledger has them, and which rows are whose.
public struct StoredContent {
    let database: any SQLDatabase
    let context: SinkReadingContext
    private let mode: WriteMode
    let columns: [String: Set<String>]

    /// - Parameters:
    ///   - columns: the tables that are there, with the names of their columns; the ledger's needn't be there, and may lack
    ///     columns of this version.
    public init(
        _ database: any SQLDatabase, _ context: SinkReadingContext, mode: WriteMode, columns: [String: Set<String>]
    ) {
        self.database = database
        self.context = context
        self.mode = mode
        self.columns = columns
    }

    // MARK: Runs

    /// What the ledger knows of the pipeline's runs.
    ///
    /// - Parameter isUnderWay: whether the lock of a shard is held; nil where that can't be known.
    /// - Throws: `PipelineError` of kind `.configuration` where the ledger can't be read.
    public func runs(isUnderWay: (_ shard: Int) throws -> Bool?) throws -> StoredRuns {
        var result = StoredRuns(isKeyed: true)
        try LedgerFormat.check(database)
        guard columns[LedgerTables.runs.name] != nil else { return result }
        let progress = try progress()
        let runs = try rows(RunRecord.self).sorted { left, right in
            let (one, other) = (left.value, right.value)
            return (one.startedAt, one.runID, left.shard) < (other.startedAt, other.runID, right.shard)
        }
        result.runs = try runs.map { shard, record in
            let own = progress[shard].flatMap { $0.runID == record.runID ? $0 : nil }
            return StoredRun(
                shard: shard, record: record, progress: own.map(StoredProgress.init),
                isUnderWay: try isUnderWay(shard))
        }
        result.neighbours = try database.rows(
            "SELECT DISTINCT pipeline FROM \(database.name(LedgerTables.runs.name)) "
                + "WHERE pipeline <> \(database.parameter(1)) ORDER BY pipeline", [context.pipeline]
        ).compactMap { $0[0] }
        return result
    }

    /// The checkpoints by shard, as far as they tell how far a run has come.
    private func progress() throws -> [Int: Checkpoint] {
        guard columns[LedgerTables.checkpoints.name] != nil else { return [:] }
        let told: Set = ["run_id", "commit_number", "next_ordinal", "consumed", "input_ended", "parked"]
        return Dictionary(try rows(Checkpoint.self, told.contains).map { ($0.shard, $0.value) }) { first, _ in first }
    }

    private func rows<Value: LedgerValue>(
        _ type: Value.Type, _ isRead: (String) -> Bool = { _ in true }
    ) throws -> [(shard: Int, value: Value)] {
        let there = columns[Value.ledgerTable.name] ?? []
        return try Value.rows(in: database, pipeline: context.pipeline) { isRead($0) && there.contains($0) }
    }

    // MARK: Rows

    /// What the store lacks of the context's tables.
    public func account() -> StoreAccount {
        var account = StoreAccount()
        for table in context.tables {
            guard let there = columns[table.name] else {
                account.faults.append("table '\(table.name)' is gone")
                continue
            }
            for column in table.columns where !there.contains(column.name) {
                account.faults.append("table '\(table.name)' lacks the column '\(column.name)'")
            }
        }
        return account
    }

    /// The query of a table's rows of one run; nil where there can be none.
    ///
    /// - Parameters:
    ///   - join: what stands between the endpoints and their parts, `JOIN` or a form of it that fixes their order.
    ///   - value: the expression that gives a column's value; the table's rows are called `t`.
    public func selection(
        from table: TableDefinition, ofRun runID: String, join: String = "JOIN", value: (Column) -> String
    ) -> String? {
        guard let there = columns[table.name] else { return nil }
        let values = table.columns.map { there.contains($0.name) ? value($0) : "NULL" }.joined(separator: ", ")
        let rows = "\(database.name(table.name)) AS t"
        // What a `replace` publishes is one run's, but only endpoints say which one's.
        if table.role == .endpointParts, mode.holdsOneRun { return "SELECT \(values) FROM \(rows)" }
        guard table.role == .endpointParts, !table.isKeyedByRun else {
            return there.contains("run_id")
                ? "SELECT \(values) FROM \(rows) WHERE t.run_id = \(literal(runID))" : nil
        }
        guard let owner = context.tables.first(where: { $0.role == .endpoints }),
            let ownerColumns = columns[owner.name], ownerColumns.contains("run_id")
        else { return nil }
        let keys = owner.key.filter { $0 != "run_id" }
        guard keys.allSatisfy({ there.contains($0) && ownerColumns.contains($0) }) else { return nil }
        let isOwn = keys.map { "t.\(quoted($0)) = e.\(quoted($0))" }.joined(separator: " AND ")
        return "SELECT \(values) FROM \(database.name(owner.name)) AS e \(join) \(rows) ON \(isOwn) "
            + "WHERE e.run_id = \(literal(runID))"
    }
}

extension StoredProgress {
    init(_ checkpoint: Checkpoint) {
        self.init(
            commitNumber: checkpoint.commitNumber, nextOrdinal: checkpoint.progress.nextOrdinal,
            consumed: checkpoint.progress.consumed,
            inputEnded: checkpoint.progress.inputEnded, parked: checkpoint.progress.parked.count)
    }
}
