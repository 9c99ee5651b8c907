internal import PipelineCore
internal import SQLStore

/// Telling which endpoints went, for those who follow the changes.
final class RemovalStatements {
    private let connection: SQLiteConnection
    private let note: SQLiteStatement
    private let takeBack: SQLiteStatement
    private let move: SQLiteStatement
    /// Whether the run may have noted anything: the table isn't empty.
    private var mayHaveSome = false

    init(_ connection: SQLiteConnection) throws {
        self.connection = connection
        let table = MergeRecords.removals
        let names = table.columns.map(\.name)
        let updates = names.filter { !table.key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        note = try connection.prepare(
            "INSERT INTO \(quoted(table.name)) (application_id, endpoint_id, run_id, logical_date, user_id, reason) "
                + "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                + "ON CONFLICT (\(quoted(table.key))) DO UPDATE SET \(updates.joined(separator: ", "))")
        let isSame = "application_id = ?1 AND endpoint_id = ?2 AND run_id = ?3"
        takeBack = try connection.prepare(
            "DELETE FROM \(quoted(table.name)) WHERE \(isSame) AND user_id IS ?4")
        move = try connection.prepare(
            "UPDATE \(quoted(table.name)) SET reason = '\(RemovalReason.moved.rawValue)' WHERE \(isSame)")
    }

    /// Says whose removals are noted from now on.
    func scope(to run: RunRecord) throws {
        for statement in [note, takeBack, move] { try statement.bind(3, run.runID) }
        try note.bind(4, run.logicalDate)
        mayHaveSome = try !connection.query("SELECT 1 FROM \(quoted(MergeRecords.removals.name)) LIMIT 1").isEmpty
    }

    /// Notes that an endpoint isn't with this user any more.
    func note(_ key: KeyInPlace, user: StoredValue?, _ reason: RemovalReason) throws {
        try note.bindInPlace(1, key.application)
        try note.bindInPlace(2, key.id)
        if let user, user.kind != .null { try note.bindInPlace(5, user.bytes) } else { try note.bind(5, nil) }
        try note.bind(6, reason.rawValue)
        try note.run()
        mayHaveSome = true
    }

    /// Takes back what the run has noted of an endpoint that it brings as new: it had gone for a while only, or has moved.
    func takeBack(_ key: KeyInPlace, user: (cell: Cell, arena: UnsafeRawBufferPointer)?) throws {
        guard mayHaveSome else { return }
        for statement in [takeBack, move] {
            try statement.bindInPlace(1, key.application)
            try statement.bindInPlace(2, key.id)
        }
        if let user { try takeBack.bindInPlace(4, user.cell, user.arena) } else { try takeBack.bind(4, nil) }
        try takeBack.run()
        if connection.changes == 0 { try move.run() }
    }

    func letGo() {
        for statement in [note, takeBack, move] { statement.clearBindings() }
    }
}
