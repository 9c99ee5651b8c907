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
    private let update: SQLiteStatement?
    private let delete: SQLiteStatement?

    /// - Parameter copies: further columns, by name, each with the place of the column whose value it takes.
    init(_ connection: SQLiteConnection, _ place: LayoutPlaces.Place, copies: [(name: String, place: Int)] = []) throws
    {
        self.connection = connection
        let definition = place.definition
        self.definition = definition
        index = place.index
        (application, id) = (place.application, place.id)
        let key = definition.key
        let columns =
            definition.columns.enumerated().map { (name: $1.name, parameter: "?\($0 + 1)") }
            + copies.map { (name: $0.name, parameter: "?\($0.place + 1)") }
        let names = definition.columns.map(\.name)
        let insert =
            "INSERT INTO \(quoted(definition.name)) (\(quoted(columns.map(\.name)))) "
            + "VALUES (\(columns.map(\.parameter).joined(separator: ", ")))"
        let others = columns.filter { !key.contains($0.name) }
        let updates = others.map { "\(quoted($0.name)) = excluded.\(quoted($0.name))" }
        // The conflict's target is named, so that a NULL in a key is an error and not a row that is passed over.
        insertNew = try connection.prepare("\(insert) ON CONFLICT (\(quoted(key))) DO NOTHING")
        replace = try connection.prepare(
            "\(insert) ON CONFLICT (\(quoted(key))) DO \(updates.isEmpty ? "NOTHING" : "UPDATE SET \(updates.joined(separator: ", "))")"
        )
        let isKey = columns.filter { key.contains($0.name) }.map { "\(quoted($0.name)) = \($0.parameter)" }
        update =
            try others.isEmpty
            ? nil
            : connection.prepare(
                "UPDATE \(quoted(definition.name)) "
                    + "SET \(others.map { "\(quoted($0.name)) = \($0.parameter)" }.joined(separator: ", ")) "
                    + "WHERE \(isKey.joined(separator: " AND "))")
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

    /// Writes a row in the place of the one with its key, which must be there.
    func update(_ rows: RowsInPlace, _ row: Int) throws {
        guard let update else { return }
        try bind(update, rows, row)
        try update.run()
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
        update?.clearBindings()
        delete?.clearBindings()
    }

    private func bind(_ statement: SQLiteStatement, _ rows: RowsInPlace, _ row: Int) throws {
        let first = row * rows.columnCount
        for column in 0..<rows.columnCount {
            try statement.bindInPlace(column + 1, rows.cells[first + column], rows.arena)
        }
    }
}
