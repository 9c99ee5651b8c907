internal import PipelineCore
internal import SQLStore

/// The statements that only the endpoints table needs.
final class EndpointStatements {
    /// A stored endpoint; what it gives is valid until `endFinding`.
    struct Stored {
        /// Whether this execution of the run at hand has written it.
        var isOfRun: Bool
        /// Whether the run at hand was the last to change it, as far as its date tells.
        var isChanged: Bool
        var date: UnsafeRawBufferPointer
        /// Of the record that it was made of; 0 in a layout that doesn't tell.
        var ordinal: Int64
        /// Nil in a layout that doesn't say whose it is.
        var user: StoredValue?
    }

    let writer: TableWriter
    /// The places of the date and of the ordinal, where the layout has them.
    let date: Int?
    let ordinal: Int?
    /// `endpoint_id`, `run_id` and `changed_at` of the endpoints stored for a user; nil in a layout that doesn't say whose
    /// they are.
    let ofUser: SQLiteStatement?
    /// `run_id`, `effective_date`, `changed_at`, `user_id`, `ordinal` of one stored endpoint, then its content.
    private let stored: SQLiteStatement
    /// Writes the columns that say when an endpoint was seen; nil in a layout without them.
    private let seen: SQLiteStatement?
    /// The places of what an endpoint's row holds of its own, and of what says when it was seen.
    private let content: [(place: Int, type: ColumnType)]
    private let seenPlaces: [Int]
    private let hasUser: Bool
    /// Whether the run at hand has stored a user; nil where the rows of runs aren't kept apart.
    ///
    /// It spares looking at a user's endpoints of all other runs, which the index on users has side by side: a run has
    /// endpoints of those users only that it has stored.
    private let isUserOfRun: SQLiteStatement?
    private var runID: [UInt8] = []
    private var logicalDate: [UInt8] = []

    init(
        _ connection: SQLiteConnection, _ writer: TableWriter, users: TableWriter?, tracksChanges: Bool
    ) throws {
        self.writer = writer
        let definition = writer.definition
        let columns = EndpointContent(definition)
        func place(_ column: Column) -> Int { definition.index(of: column.name) ?? 0 }
        content = columns.columns.map { (place($0), $0.type) }
        seenPlaces = columns.seen.map(place)
        date = definition.dateColumn
        ordinal = definition.index(of: "ordinal")
        hasUser = definition.index(of: "user_id") != nil
        let application = quoted(definition.columns[writer.application].name)
        let id = quoted(definition.columns[writer.id].name)
        // What an earlier execution of the same run has left counts as another run's: see `RunLedger.clear`.
        let runID =
            definition.index(of: "run_id") == nil
            ? "NULL" : definition.index(of: "ordinal") == nil ? "run_id" : "CASE WHEN ordinal >= 0 THEN run_id END"
        let changedAt =
            tracksChanges && columns.logicalDate != nil ? quoted(MergeRecords.changedAt.name) : "NULL"
        let isKeyedByRun = definition.isKeyedByRun
        // The plus keeps SQLite from looking a user's endpoints up among all of the run's.
        ofUser = try definition.index(of: "user_id").map { _ in
            try connection.prepare(
                "SELECT \(id), \(runID), \(changedAt) FROM \(quoted(definition.name)) "
                    + "WHERE \(application) = ?1 AND user_id = ?2" + (isKeyedByRun ? " AND +run_id = ?3" : ""))
        }
        let isEndpoint = "\(application) = ?1 AND \(id) = ?2" + (isKeyedByRun ? " AND run_id = ?3" : "")
        let values =
            [
                runID, date.map { quoted(definition.columns[$0].name) } ?? "NULL", changedAt,
                hasUser ? "user_id" : "NULL", ordinal == nil ? "0" : "ordinal",
            ] + columns.columns.map { quoted($0.name) }
        stored = try connection.prepare(
            "SELECT \(values.joined(separator: ", ")) FROM \(quoted(definition.name)) WHERE \(isEndpoint)")
        let updates = columns.seen.enumerated().map { "\(quoted($1.name)) = ?\($0 + 4)" }
        seen =
            try updates.isEmpty
            ? nil
            : connection.prepare(
                "UPDATE \(quoted(definition.name)) SET \(updates.joined(separator: ", ")) WHERE \(isEndpoint)")
        isUserOfRun = try users.flatMap { users in
            guard isKeyedByRun, users.definition.isKeyedByRun else { return nil }
            let columns = users.definition.columns
            return try connection.prepare(
                "SELECT 1 FROM \(quoted(users.definition.name)) WHERE run_id = ?3 "
                    + "AND \(quoted(columns[users.application].name)) = ?1 AND \(quoted(columns[users.id].name)) = ?2")
        }
    }

    /// Says which run's rows are meant from now on, where each run has its own.
    func scope(to run: RunRecord) throws {
        (runID, logicalDate) = (Array(run.runID.utf8), Array(run.logicalDate.utf8))
        guard writer.definition.isKeyedByRun else { return }
        for statement in [ofUser, stored, seen, isUserOfRun] { try statement?.bind(3, run.runID) }
    }

    /// Whether the store can have endpoints of this user that the run at hand may touch.
    func mayHave(_ user: KeyInPlace) throws -> Bool {
        guard let isUserOfRun else { return true }
        try isUserOfRun.bindInPlace(1, user.application)
        try isUserOfRun.bindInPlace(2, user.id)
        defer { isUserOfRun.reset() }
        return try isUserOfRun.step()
    }

    // MARK: One endpoint

    /// Looks an endpoint up; it stays at hand until `endFinding`.
    func find(_ key: KeyInPlace) throws -> Stored? {
        try stored.bindInPlace(1, key.application)
        try stored.bindInPlace(2, key.id)
        guard try stored.step() else {
            stored.reset()
            return nil
        }
        return Stored(
            isOfRun: isOfRun(stored.bytes(0)), isChanged: isDateOfRun(stored.bytes(2)), date: stored.bytes(1),
            ordinal: Int64(stored.integer(4)), user: hasUser ? stored.value(3, .text) : nil)
    }

    /// What `stored` gives before an endpoint's content.
    private static let places = 5

    /// Whether the endpoint at hand has the content of a batch's row.
    func isSame(_ rows: RowsInPlace, _ row: Int) -> Bool {
        for (column, (place, type)) in content.enumerated()
        where stored.value(column + Self.places, type)?.isSame(as: rows.cell(row, place), in: rows.arena) != true {
            return false
        }
        return true
    }

    func endFinding() { stored.reset() }

    /// Writes when an endpoint was seen that is stored as a batch's row has it.
    func writeSeen(_ rows: RowsInPlace, _ row: Int) throws {
        guard let seen else { return }
        try seen.bindInPlace(1, rows.bytes(row, writer.application))
        try seen.bindInPlace(2, rows.bytes(row, writer.id))
        for (number, place) in seenPlaces.enumerated() {
            try seen.bindInPlace(number + 4, rows.cell(row, place), rows.arena)
        }
        try seen.run()
    }

    /// Whether these bytes are the ID of the run at hand.
    func isOfRun(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.elementsEqual(runID) }
    /// Whether these bytes are the date of the run at hand.
    func isDateOfRun(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.elementsEqual(logicalDate) }

    func letGo() {
        for statement in [ofUser, stored, seen, isUserOfRun] { statement?.clearBindings() }
    }
}
