internal import PipelineCore
internal import SQLStore

/// Writes batches into the tables of a layout, newest state wins.
///
/// In `merge` the tables are those that hold the newest state. In `append` each run has a state of its own in them, and
/// only its rows are looked at; in `replace` they are tables aside, empty when the run begins.
///
/// A user that a batch has fetched (a row in the users table) has its endpoints and their parts replaced as a whole; an
/// endpoint that stood with another user moves. Endpoints of batches without users (an archive) are replaced one by one, and
/// only there the policy on conflicts counts. A user without a row keeps everything.
final class MergeWriter {
    private let connection: SQLiteConnection
    private let users: TableWriter?
    private let endpoints: EndpointStatements?
    private let parts: [TableWriter]
    private let places: LayoutPlaces
    /// By place in a batch.
    private let writers: [TableWriter]
    private let conflict: ConflictPolicy

    /// The tables must exist.
    init(_ connection: SQLiteConnection, _ tables: [TableDefinition], conflict: ConflictPolicy) throws {
        self.connection = connection
        self.conflict = conflict
        let places = LayoutPlaces(tables)
        self.places = places
        writers = try places.all.map { try TableWriter(connection, $0) }
        users = writers.first { $0.definition.role == .users }
        parts = writers.filter { $0.definition.role == .endpointParts }
        endpoints = try writers.first { $0.definition.role == .endpoints }.map { [users] in
            try EndpointStatements(connection, $0, users: users)
        }
    }

    /// Writes a batch's rows, in a transaction that is the caller's.
    func write(_ batch: Batch, runID: String) throws -> RunCounts {
        try places.check(batch)
        var observed = RunCounts()
        let none = RowBuffer(columnCount: 1)
        let userRows = users.map { batch.tables[$0.index] } ?? none
        let endpointRows = endpoints.map { batch.tables[$0.writer.index] } ?? none
        // Keys in the plan point into both arenas, so both stay open until the last row is written.
        try userRows.withRows { userRows in
            try endpointRows.withRows { endpointRows in
                try merge(batch, userRows, endpointRows, runID: runID, &observed)
            }
        }
        return observed
    }

    private func merge(
        _ batch: Batch, _ userRows: RowsInPlace, _ endpointRows: RowsInPlace, runID: String,
        _ observed: inout RunCounts
    ) throws {
        defer {
            for writer in writers { writer.letGo() }
            endpoints?.letGo()
        }
        for writer in writers { try writer.scope(to: runID) }
        try endpoints?.scope(to: runID)
        var plan = MergePlan(places, users: userRows, endpoints: endpointRows, conflict: conflict)
        if let endpoints {
            let merge = EndpointMerge(endpoints: endpoints, parts: parts, connection: connection, runID: runID)
            if let users { try merge.removeStale(users, userRows, &plan, &observed) }
            if !batch.tombstones.isEmpty {
                try applyTombstones(batch.tombstones, endpointRows, merge, &plan, &observed)
            }
            try Failpoint.reach("sqlite.prepare.after-deletes")
            try merge.write(endpointRows, &plan, &observed)
            observed.superseded += plan.superseded
            try Failpoint.reach("sqlite.prepare.after-endpoints")
            for part in parts {
                let buffer = batch.tables[part.index]
                try buffer.withRows { rows in
                    try merge.write(rows, of: part, groupEnds: buffer.groupEnds, endpointRows, plan)
                }
            }
        }
        try Failpoint.reach("sqlite.prepare.after-parts")
        try writeRest(batch, plan, userRows)
    }

    /// Takes out of the store and of the batch what filters have taken out of the input.
    private func applyTombstones(
        _ tombstones: RowBuffer, _ endpointRows: RowsInPlace, _ merge: EndpointMerge, _ plan: inout MergePlan,
        _ observed: inout RunCounts
    ) throws {
        try tombstones.withRows { rows in
            for row in plan.applyTombstones(rows, places, endpoints: endpointRows) {
                try merge.remove(tombstones: rows, row, prefersNewest: plan.prefersNewest, &observed)
            }
        }
    }

    /// Users and failures.
    private func writeRest(_ batch: Batch, _ plan: MergePlan, _ userRows: RowsInPlace) throws {
        if let users, let place = places.users {
            for row in userRows.order(by: users.id) where plan.writes(user: row, userRows, of: place) {
                try users.upsert(userRows, row)
            }
        }
        for writer in writers where writer.definition.role == .failures {
            try batch.tables[writer.index].withRows { rows in
                for row in 0..<rows.count { try writer.upsert(rows, row) }
            }
        }
    }
}
