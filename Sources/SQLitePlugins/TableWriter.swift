internal import PipelineCore

/// The statements of one table.
final class TableWriter {
    let definition: TableDefinition
    /// The place of the table's rows in a batch.
    let place: Int
    /// The places of the first two key columns: (application_id, user_id) or (application_id, endpoint_id).
    let application: Int
    let id: Int
    private let connection: SQLiteConnection
    private let insertNew: SQLiteStatement
    private let replace: SQLiteStatement
    private let delete: SQLiteStatement?

    init(_ connection: SQLiteConnection, _ definition: TableDefinition, place: Int) throws {
        self.connection = connection
        self.definition = definition
        self.place = place
        let key = definition.key
        (application, id) = definition.ownerColumns
        let names = definition.columns.map(\.name)
        let insert =
            "INSERT INTO \(quoted(definition.name)) (\(list(names))) "
            + "VALUES (\((1...names.count).map { "?\($0)" }.joined(separator: ", ")))"
        let updates = names.filter { !key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        // The conflict's target is named, so that a NULL in a key is an error and not a row that is passed over.
        insertNew = try connection.prepare("\(insert) ON CONFLICT (\(list(key))) DO NOTHING")
        replace = try connection.prepare(
            "\(insert) ON CONFLICT (\(list(key))) DO \(updates.isEmpty ? "NOTHING" : "UPDATE SET \(updates.joined(separator: ", "))")"
        )
        switch definition.role {
        case .endpoints, .endpointParts:
            delete = try connection.prepare(
                "DELETE FROM \(quoted(definition.name)) WHERE \(quoted(names[application])) = ?1 "
                    + "AND \(quoted(names[id])) = ?2\(definition.isKeyedByRun ? " AND run_id = ?3" : "")")
        case .users, .failures: delete = nil
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

/// The statements that only the endpoints table needs.
final class EndpointStatements {
    let writer: TableWriter
    /// The places of columns that a layout has for the merge to work with; nil where it has none.
    let user: Int?
    let ordinal: Int?
    let date: Int?
    /// `endpoint_id`, `run_id` of the endpoints stored for a user; nil in a layout that doesn't say whose they are.
    let ofUser: SQLiteStatement?
    /// `run_id`, `effective_date` of one stored endpoint.
    let stored: SQLiteStatement
    /// Whether the run at hand has stored a user; nil where the rows of runs aren't kept apart.
    ///
    /// It spares looking at a user's endpoints of all other runs, which the index on users has side by side: a run has
    /// endpoints of those users only that it has stored.
    let isUserOfRun: SQLiteStatement?

    init(_ connection: SQLiteConnection, _ writer: TableWriter, users: TableWriter?) throws {
        self.writer = writer
        let definition = writer.definition
        user = definition.index(of: "user_id")
        ordinal = definition.index(of: "ordinal")
        date = definition.dateColumn
        let application = quoted(definition.columns[writer.application].name)
        let id = quoted(definition.columns[writer.id].name)
        // What an earlier execution of the same run has left counts as another run's: see `giveBackRows`.
        let runID =
            definition.index(of: "run_id") == nil
            ? "NULL" : ordinal == nil ? "run_id" : "CASE WHEN ordinal >= 0 THEN run_id END"
        let isKeyedByRun = definition.isKeyedByRun
        // The plus keeps SQLite from looking a user's endpoints up among all of the run's.
        ofUser = try user.map { _ in
            try connection.prepare(
                "SELECT \(id), \(runID) FROM \(quoted(definition.name)) WHERE \(application) = ?1 AND user_id = ?2"
                    + (isKeyedByRun ? " AND +run_id = ?3" : ""))
        }
        stored = try connection.prepare(
            "SELECT \(runID), \(date.map { quoted(definition.columns[$0].name) } ?? "NULL") "
                + "FROM \(quoted(definition.name)) WHERE \(application) = ?1 AND \(id) = ?2"
                + (isKeyedByRun ? " AND run_id = ?3" : ""))
        isUserOfRun = try users.flatMap { users in
            guard isKeyedByRun, users.definition.isKeyedByRun else { return nil }
            let columns = users.definition.columns
            return try connection.prepare(
                "SELECT 1 FROM \(quoted(users.definition.name)) WHERE run_id = ?3 "
                    + "AND \(quoted(columns[users.application].name)) = ?1 AND \(quoted(columns[users.id].name)) = ?2")
        }
    }

    /// Says which run's rows are meant from now on, where each run has its own.
    func scope(to runID: String) throws {
        guard writer.definition.isKeyedByRun else { return }
        try ofUser?.bind(3, runID)
        try stored.bind(3, runID)
        try isUserOfRun?.bind(3, runID)
    }

    /// Whether the store can have endpoints of this user that the run at hand may touch.
    func mayHave(_ user: KeyInPlace) throws -> Bool {
        guard let isUserOfRun else { return true }
        try isUserOfRun.bindInPlace(1, user.application)
        try isUserOfRun.bindInPlace(2, user.id)
        defer { isUserOfRun.reset() }
        return try isUserOfRun.step()
    }

    func letGo() {
        ofUser?.clearBindings()
        stored.clearBindings()
        isUserOfRun?.clearBindings()
    }
}
