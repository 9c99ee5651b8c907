internal import PipelineCore
internal import SQLStore

/// Writes batches into the tables of a layout, newest state wins.
///
/// In `merge` the tables are those that hold the newest state. In `append` each run has a state of its own in them, and
/// only its rows are looked at; in `replace` they are tables aside, empty when the run begins.
///
/// A user that a batch has fetched (a row in the users table) comes to have the endpoints and parts that it brings, and no
/// others; an endpoint that stood with another user moves. What is the same already isn't written. Endpoints of batches
/// without users (an archive) are merged one by one, and only there the policy on conflicts counts. A user without a row
/// keeps everything.
final class MergeWriter {
    private let connection: SQLiteConnection
    private let users: TableWriter?
    private let endpoints: EndpointStatements?
    private let parts: [PartStatements]
    /// Where the endpoints that went are noted; nil in a mode that doesn't tell.
    private let removals: RemovalStatements?
    private let places: LayoutPlaces
    /// By place in a batch.
    private let writers: [TableWriter]
    private let conflict: ConflictPolicy

    /// The tables must exist.
    ///
    /// - Parameter tracksChanges: whether they tell when an endpoint changed, and which ones went.
    init(
        _ connection: SQLiteConnection, _ tables: [TableDefinition], conflict: ConflictPolicy, tracksChanges: Bool
    ) throws {
        self.connection = connection
        self.conflict = conflict
        let places = LayoutPlaces(tables)
        self.places = places
        let date = places.endpoints.flatMap { EndpointContent($0.definition).logicalDate }
        writers = try places.all.map { place in
            let tells = tracksChanges && place.definition.role == .endpoints
            return try TableWriter(
                connection, place, copies: tells ? date.map { [(MergeRecords.changedAt.name, $0)] } ?? [] : [])
        }
        users = writers.first { $0.definition.role == .users }
        parts = try writers.filter { $0.definition.role == .endpointParts }.map { try PartStatements(connection, $0) }
        removals = tracksChanges ? try RemovalStatements(connection) : nil
        endpoints = try writers.first { $0.definition.role == .endpoints }.map { [users] in
            try EndpointStatements(connection, $0, users: users, tracksChanges: tracksChanges)
        }
    }

    /// Writes a batch's rows, in a transaction that is the caller's.
    func write(_ batch: Batch, run: RunRecord) throws -> RunCounts {
        try places.check(batch)
        var observed = RunCounts()
        let none = RowBuffer(columnCount: 1)
        let userRows = users.map { batch.tables[$0.index] } ?? none
        let endpointRows = endpoints.map { batch.tables[$0.writer.index] } ?? none
        // Keys in the plan point into both arenas, so both stay open until the last row is written.
        try userRows.withRows { userRows in
            try endpointRows.withRows { endpointRows in
                try merge(batch, userRows, endpointRows, run, &observed)
            }
        }
        return observed
    }

    private func merge(
        _ batch: Batch, _ userRows: RowsInPlace, _ endpointRows: RowsInPlace, _ run: RunRecord,
        _ observed: inout RunCounts
    ) throws {
        defer {
            for writer in writers { writer.letGo() }
            for part in parts { part.letGo() }
            endpoints?.letGo()
            removals?.letGo()
        }
        for writer in writers { try writer.scope(to: run.runID) }
        for part in parts { try part.scope(to: run.runID) }
        try endpoints?.scope(to: run)
        try removals?.scope(to: run)
        var plan = MergePlan(places, users: userRows, endpoints: endpointRows, conflict: conflict)
        if let endpoints {
            var merge = EndpointMerge(endpoints: endpoints, parts: parts, removals: removals, run: run)
            if let users { try merge.removeStale(users, userRows, &plan) }
            if !batch.tombstones.isEmpty { try applyTombstones(batch.tombstones, endpointRows, &merge, &plan) }
            try Failpoint.reach("sqlite.prepare.after-deletes")
            try withRows(of: batch, parts[...], []) { rows in
                var comparisons = try zip(parts, rows).map { part, rows in
                    let place = places.all[part.writer.index]
                    let groups = try PartGroups(
                        rows, of: place, groupEnds: batch.tables[place.index].groupEnds, endpointRows, plan)
                    return PartComparison(rows, of: place.definition, groups)
                }
                try merge.write(endpointRows, &plan, &comparisons)
                try Failpoint.reach("sqlite.prepare.after-endpoints")
                for ((part, rows), comparison) in zip(zip(parts, rows), comparisons) {
                    try part.write(rows, comparison, plan)
                }
            }
            observed = merge.observed
            observed.superseded += plan.superseded
            observed.changes = removals == nil ? nil : observed.changes
        }
        try Failpoint.reach("sqlite.prepare.after-parts")
        try writeRest(batch, plan, userRows)
    }

    /// Opens the rows of tables of parts, one within the other.
    private func withRows(
        of batch: Batch, _ parts: ArraySlice<PartStatements>, _ opened: [RowsInPlace],
        _ body: ([RowsInPlace]) throws -> Void
    ) throws {
        guard let first = parts.first else { return try body(opened) }
        try batch.tables[first.writer.index].withRows { rows in
            try withRows(of: batch, parts.dropFirst(), opened + [rows], body)
        }
    }

    /// Takes out of the store and of the batch what filters have taken out of the input.
    private func applyTombstones(
        _ tombstones: RowBuffer, _ endpointRows: RowsInPlace, _ merge: inout EndpointMerge, _ plan: inout MergePlan
    ) throws {
        try tombstones.withRows { rows in
            for row in plan.applyTombstones(rows, places, endpoints: endpointRows) {
                try merge.remove(tombstones: rows, row, prefersNewest: plan.prefersNewest)
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
