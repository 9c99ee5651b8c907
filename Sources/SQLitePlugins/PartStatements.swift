internal import PipelineCore
internal import SQLStore

/// The statements of one table of parts.
final class PartStatements {
    let writer: TableWriter
    /// The columns of `PartComparison` of the parts stored for an endpoint.
    private let ofEndpoint: SQLiteStatement
    private let deleteOne: SQLiteStatement
    /// The columns that tell an endpoint's parts apart.
    private let keyColumns: [Int]
    /// Keys of parts that are to go, one after the other: the statement that finds them must end first.
    private var gone: RowBuffer

    init(_ connection: SQLiteConnection, _ writer: TableWriter) throws {
        self.writer = writer
        let definition = writer.definition
        keyColumns = PartComparison.keyColumns(definition)
        gone = RowBuffer(columnCount: max(1, keyColumns.count))
        let isOwner =
            "\(quoted(definition.columns[writer.application].name)) = ?1 "
            + "AND \(quoted(definition.columns[writer.id].name)) = ?2\(definition.isKeyedByRun ? " AND run_id = ?3" : "")"
        ofEndpoint = try connection.prepare(
            "SELECT \(quoted(PartComparison.columns(definition).map { definition.columns[$0].name })) "
                + "FROM \(quoted(definition.name)) WHERE \(isOwner)")
        let isPart = keyColumns.enumerated().map { "\(quoted(definition.columns[$1].name)) = ?\($0 + 4)" }
        deleteOne = try connection.prepare(
            "DELETE FROM \(quoted(definition.name)) WHERE \(([isOwner] + isPart).joined(separator: " AND "))")
    }

    /// Says which run's rows are meant from now on, where each run has its own.
    func scope(to runID: String) throws {
        guard writer.definition.isKeyedByRun else { return }
        try ofEndpoint.bind(3, runID)
        try deleteOne.bind(3, runID)
    }

    /// Compares what is stored of an endpoint with what the batch brings, and deletes what the batch lacks.
    ///
    /// - Parameter row: the endpoint's row in the batch.
    /// - Returns: Whether anything differs.
    func compare(_ row: Int, _ key: KeyInPlace, _ comparison: inout PartComparison) throws -> Bool {
        try ofEndpoint.bindInPlace(1, key.application)
        try ofEndpoint.bindInPlace(2, key.id)
        while try ofEndpoint.step() {
            let statement = ofEndpoint
            let types = comparison.types
            if !comparison.meet(row, { statement.value($0, types[$0]) }) { keepGone(types) }
        }
        ofEndpoint.reset()
        guard !gone.isEmpty else { return comparison.differs(row) }
        try deleteGone(key)
        return true
    }

    private func keepGone(_ types: [ColumnType]) {
        for place in keyColumns.indices {
            let value = ofEndpoint.value(place, types[place]) ?? .null
            switch value.kind {
            case .text, .json, .time: gone.append(gone.store(value.kind, value.bytes))
            case .null, .integer, .real: gone.append(Cell(kind: value.kind, bits: value.bits, length: 0))
            }
        }
    }

    private func deleteGone(_ key: KeyInPlace) throws {
        try deleteOne.bindInPlace(1, key.application)
        try deleteOne.bindInPlace(2, key.id)
        try gone.withRows { rows in
            for row in 0..<rows.count {
                for column in keyColumns.indices {
                    try deleteOne.bindInPlace(column + 4, rows.cell(row, column), rows.arena)
                }
                try deleteOne.run()
            }
        }
        gone = RowBuffer(columnCount: gone.columnCount)
    }

    /// Writes the rows that the store doesn't have as they are.
    func write(_ rows: RowsInPlace, _ comparison: PartComparison, _ plan: MergePlan) throws {
        for row in rows.order(by: writer.id) {
            switch comparison.change(of: row, plan) {
            case .added: try writer.upsert(rows, row)
            case .changed: try writer.update(rows, row)
            case nil: break
            }
        }
    }

    func letGo() {
        ofEndpoint.clearBindings()
        deleteOne.clearBindings()
    }
}
