internal import PipelineCore

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
    /// By place in a batch.
    private let tables: [TableDefinition]
    private let writers: [TableWriter]
    private let conflict: ConflictPolicy

    /// The tables must exist.
    init(_ connection: SQLiteConnection, _ tables: [TableDefinition], conflict: ConflictPolicy) throws {
        self.connection = connection
        self.tables = tables
        self.conflict = conflict
        writers = try tables.enumerated().map { try TableWriter(connection, $1, place: $0) }
        users = writers.first { $0.definition.role == .users }
        parts = writers.filter { $0.definition.role == .endpointParts }
        endpoints = try writers.first { $0.definition.role == .endpoints }.map { [users] in
            try EndpointStatements(connection, $0, users: users)
        }
    }

    /// Writes a batch's rows, in a transaction that is the caller's.
    func write(_ batch: Batch, runID: String) throws -> RunCounts {
        guard batch.tables.count == tables.count,
            zip(batch.tables, tables).allSatisfy({ $0.columnCount == $1.columns.count })
        else {
            throw PipelineError(
                .software, "batch \(batch.commitNumber) isn't of the layout that this sink was opened with")
        }
        var observed = RunCounts()
        let none = RowBuffer(columnCount: 1)
        let userRows = users.map { batch.tables[$0.place] } ?? none
        let endpointRows = endpoints.map { batch.tables[$0.writer.place] } ?? none
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
        var plan = MergePlan()
        if let users { plan.add(users: userRows, application: users.application, id: users.id) }
        if let endpoints {
            let writer = endpoints.writer
            if conflict == .newest, userRows.count == 0, let date = endpoints.date {
                plan.add(newestOf: endpointRows, application: writer.application, id: writer.id, date: date)
            } else {
                plan.add(endpoints: endpointRows, application: writer.application, id: writer.id)
            }
            if plan.repeatsUsers, let users, let user = endpoints.user, let ordinal = endpoints.ordinal,
                let userOrdinal = users.definition.index(of: "ordinal")
            {
                plan.dropOutdated(endpointRows, application: writer.application, user: user) { row, userRow in
                    endpointRows.cell(row, ordinal).integer < userRows.cell(userRow, userOrdinal).integer
                }
            }
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
                let buffer = batch.tables[part.place]
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
        guard let endpoints, let ordinal = endpoints.ordinal else { return }
        try tombstones.withRows { rows in
            for row in plan.applyTombstones(rows, from: endpointRows, ordinal: ordinal, date: endpoints.date) {
                try merge.remove(tombstones: rows, row, prefersNewest: plan.prefersNewest, &observed)
            }
        }
    }

    /// Users and failures.
    private func writeRest(_ batch: Batch, _ plan: MergePlan, _ userRows: RowsInPlace) throws {
        if let users {
            for row in userRows.order(by: users.id) {
                let key = KeyInPlace(
                    application: userRows.bytes(row, users.application), id: userRows.bytes(row, users.id))
                if plan.users[key] == row { try users.upsert(userRows, row) }
            }
        }
        for writer in writers where writer.definition.role == .failures {
            try batch.tables[writer.place].withRows { rows in
                for row in 0..<rows.count { try writer.upsert(rows, row) }
            }
        }
    }
}
