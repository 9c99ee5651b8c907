internal import PipelineCore

/// The records of one batch, found again in its rows by their ordinals.
struct BatchRecords {
    /// In input order; records that failed have no part in it.
    let ordinals: [Int64]
    private let batch: Batch
    private let tables: [TableDefinition]
    private let users: Int?
    private let endpoints: Int?

    /// Nil where the layout doesn't tell which record a row is of.
    init?(_ batch: Batch, _ tables: [TableDefinition]) {
        self.batch = batch
        self.tables = tables
        users = tables.firstIndex { $0.role == .users }
        endpoints = tables.firstIndex { $0.role == .endpoints }
        let owners = [users, endpoints].compactMap { $0 }
        guard !owners.isEmpty, tables.contains(where: { $0.role == .failures }),
            owners.allSatisfy({ tables[$0].index(of: "ordinal") != nil })
        else { return nil }
        let groups = endpoints.map { batch.tables[$0].rowCount } ?? 0
        for (table, buffer) in zip(tables, batch.tables) where table.role == .endpointParts {
            guard buffer.groupEnds.count == groups else { return nil }
        }
        var found: Set<Int64> = []
        for owner in owners { found.formUnion(Self.ordinals(batch.tables[owner], tables[owner])) }
        ordinals = found.sorted()
    }

    /// The batch with the rows of these records alone, and without failures.
    func keeping(_ kept: ArraySlice<Int64>) -> Batch {
        let kept = Set(kept)
        var part = select { kept.contains($0) }
        for (place, table) in tables.enumerated() where table.role == .failures {
            part.tables[place] = RowBuffer(columnCount: table.columns.count)
        }
        // They refuse nothing, and go once, with the batch that is written in the end.
        part.tombstones = Tombstones.none
        return part
    }

    /// The batch without the rows of these records, each of which has a row among the failures instead.
    ///
    /// - Parameter refused: what the store said, by ordinal.
    func refusing(_ refused: [Int64: String], runID: String, shard: Int) -> Batch {
        var rest = select { refused[$0] == nil }
        for (place, table) in tables.enumerated() where table.role == .failures {
            for (ordinal, reason) in refused.sorted(by: { $0.key < $1.key }) {
                let record = firstRow(of: ordinal)
                for column in table.columns {
                    let value: RowView.Value =
                        switch column.name {
                        case "run_id": .text(runID)
                        case "shard": .integer(Int64(shard))
                        case "ordinal": .integer(ordinal)
                        case "code": .text(FailureCode.refusedBySink.rawValue)
                        case "message": .text(reason)
                        case "attempts": .integer(0)
                        // What the service answered: by it a retry knows as what the record is counted.
                        case "status": Self.answerStatus(record["status"])
                        default: record[column.name] ?? .null
                        }
                    rest.tables[place].append(value)
                }
            }
        }
        return rest
    }

    private static func answerStatus(_ status: RowView.Value?) -> RowView.Value {
        guard let status else { return .null }
        return .integer(status == .text("absent") ? 404 : 200)
    }

    /// What a batch that lacks records differs by in the counts that the whole one came with.
    func corrections(_ rest: Batch, refused: Int) -> RunCounts {
        var observed = RunCounts()
        observed.refused = refused
        for (place, table) in tables.enumerated() {
            let change = rest.tables[place].rowCount - batch.tables[place].rowCount
            if change != 0 { observed.rows[table.name] = change }
            if place == endpoints { observed.endpoints = change }
        }
        return observed
    }

    // MARK: Rows

    private static func ordinals(_ buffer: RowBuffer, _ table: TableDefinition) -> [Int64] {
        guard let column = table.index(of: "ordinal") else { return [] }
        return (0..<buffer.rowCount).map { buffer.cells[$0 * buffer.columnCount + column].integer }
    }

    private func select(_ keeps: (Int64) -> Bool) -> Batch {
        var result = batch
        let kept = endpoints.map { Self.ordinals(batch.tables[$0], tables[$0]).map(keeps) } ?? []
        for (place, table) in tables.enumerated() {
            let buffer = batch.tables[place]
            switch table.role {
            case .failures, .ledger: continue
            case .users: result.tables[place] = buffer.rows(Self.ordinals(buffer, table).map(keeps))
            case .endpoints: result.tables[place] = buffer.rows(kept)
            case .endpointParts: result.tables[place] = buffer.groups(kept)
            }
        }
        return result
    }

    /// What the first row of a record says that a failure says too, by column.
    private func firstRow(of ordinal: Int64) -> [String: RowView.Value] {
        for place in [users, endpoints].compactMap({ $0 }) {
            guard let row = Self.ordinals(batch.tables[place], tables[place]).firstIndex(of: ordinal) else { continue }
            var values: [String: RowView.Value] = [:]
            var number = 0
            batch.tables[place].forEachRow { view in
                defer { number += 1 }
                guard number == row else { return }
                for name in ["user_id", "logical_date", "status"] {
                    if let column = tables[place].index(of: name) { values[name] = view[column] }
                }
            }
            return values
        }
        return [:]
    }
}
