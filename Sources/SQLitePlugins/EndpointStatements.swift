internal import PipelineCore
internal import SQLStore

/// The statements that only the endpoints table needs.
final class EndpointStatements {
    let writer: TableWriter
    /// The place of the date, where the layout has one.
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
        date = definition.dateColumn
        let application = quoted(definition.columns[writer.application].name)
        let id = quoted(definition.columns[writer.id].name)
        // What an earlier execution of the same run has left counts as another run's: see `giveBackRows`.
        let runID =
            definition.index(of: "run_id") == nil
            ? "NULL" : definition.index(of: "ordinal") == nil ? "run_id" : "CASE WHEN ordinal >= 0 THEN run_id END"
        let isKeyedByRun = definition.isKeyedByRun
        // The plus keeps SQLite from looking a user's endpoints up among all of the run's.
        ofUser = try definition.index(of: "user_id").map { _ in
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
