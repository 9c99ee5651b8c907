internal import PipelineCore
internal import SQLStore

/// The statements of one table.
final class TableWriter {
    let definition: TableDefinition
    /// The place of the table's rows in a batch.
    let index: Int
    /// The places of the first two key columns: (application_id, user_id) or (application_id, endpoint_id).
    let application: Int
    let id: Int
    private let connection: SQLiteConnection
    private let insertNew: SQLiteStatement
    private let replace: SQLiteStatement
    private let delete: SQLiteStatement?

    init(_ connection: SQLiteConnection, _ place: LayoutPlaces.Place) throws {
        self.connection = connection
        let definition = place.definition
        self.definition = definition
        index = place.index
        (application, id) = (place.application, place.id)
        let key = definition.key
        let names = definition.columns.map(\.name)
        let insert =
            "INSERT INTO \(quoted(definition.name)) (\(quoted(names))) "
            + "VALUES (\((1...names.count).map { "?\($0)" }.joined(separator: ", ")))"
        let updates = names.filter { !key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        // The conflict's target is named, so that a NULL in a key is an error and not a row that is passed over.
        insertNew = try connection.prepare("\(insert) ON CONFLICT (\(quoted(key))) DO NOTHING")
        replace = try connection.prepare(
            "\(insert) ON CONFLICT (\(quoted(key))) DO \(updates.isEmpty ? "NOTHING" : "UPDATE SET \(updates.joined(separator: ", "))")"
        )
        switch definition.role {
        case .endpoints, .endpointParts:
            delete = try connection.prepare(
                "DELETE FROM \(quoted(definition.name)) WHERE \(quoted(names[application])) = ?1 "
                    + "AND \(quoted(names[id])) = ?2\(definition.isKeyedByRun ? " AND run_id = ?3" : "")")
        case .users, .failures, .ledger: delete = nil
        }
    }

    /// Says which run's rows are meant from now on, where each run has its own.
    func scope(to runID: String) throws {
        if definition.isKeyedByRun { try delete?.bind(3, runID) }
    }

    /// Writes a row, in the place of one with its key.
    func upsert(_ rows: RowsInPlace, _ row: Int) throws {
        try bind(replace, rows, row)
        try replace.run()
    }

    /// Writes a row unless there is one with its key; false where there is.
    func insert(_ rows: RowsInPlace, _ row: Int) throws -> Bool {
        try bind(insertNew, rows, row)
        try insertNew.run()
        return connection.changes > 0
    }

    /// Deletes an endpoint, or the parts of one.
    func delete(_ key: KeyInPlace) throws {
        guard let delete else { return }
        try delete.bindInPlace(1, key.application)
        try delete.bindInPlace(2, key.id)
        try delete.run()
    }

    /// Forgets the bytes of the batch, which the caller is about to free.
    func letGo() {
        insertNew.clearBindings()
        replace.clearBindings()
        delete?.clearBindings()
    }

    private func bind(_ statement: SQLiteStatement, _ rows: RowsInPlace, _ row: Int) throws {
        let first = row * rows.columnCount
        for column in 0..<rows.columnCount {
            try statement.bindInPlace(column + 1, rows.cells[first + column], rows.arena)
        }
    }
}
