internal import PipelineCore
internal import SQLStore

/// Writes batches into the tables of a layout, within a transaction that is the caller's.
///
/// In `merge` a user that a batch has fetched (a row in the users table) has its endpoints and their parts replaced as a
/// whole; an endpoint that stood with another user moves. Endpoints of batches without users (an archive) are replaced one
/// by one, and only there the policy on conflicts counts. A user without a row keeps everything. `append` and `replace` do
/// the same among the rows of their own run.
final class BatchWriter {
    let connection: PostgresConnection
    let tables: PostgresTables
    let places: LayoutPlaces
    private(set) var merge: StagedMerge
    private let conflict: ConflictPolicy
    private var hasStaging = false
    /// The open transaction has staged rows already.
    var hasStagedRows = false
    /// Batches that are staged at once before rows are copied straight to their place again.
    private var stagedAhead = 0
    private var lastDetour = 0
    /// The rows go into what a `replace` has published, not into what waits.
    var isPublished = false {
        didSet { merge = Self.merge(places, tables, isPublished: isPublished) }
    }

    init(_ connection: PostgresConnection, _ tables: PostgresTables, conflict: ConflictPolicy) {
        self.connection = connection
        self.conflict = conflict
        self.tables = tables
        places = LayoutPlaces(tables.layout.definitions)
        merge = Self.merge(places, tables, isPublished: false)
    }

    private static func merge(_ places: LayoutPlaces, _ tables: PostgresTables, isPublished: Bool) -> StagedMerge {
        StagedMerge(places, isKeyedByRun: tables.layout.mode.keepsRunsApart) {
            tables.destination($0, isPublished: isPublished)
        }
    }

    /// Where a table's rows go.
    func destination(_ definition: TableDefinition) -> String {
        tables.destination(definition, isPublished: isPublished)
    }

    /// Makes the session's staging tables, before the first transaction that needs them.
    func prepareStaging() throws {
        hasStagedRows = false
        if hasStaging { return }
        try connection.execute(StagedMerge.creation(tables.layout.definitions))
        hasStaging = true
    }

    /// Writes a batch's rows; records that the server refuses are left out, and a row of `failures` stands for each.
    func write(_ batch: Batch, run: RunRecord, shard: Int) throws -> RunCounts {
        let observed = try refusals(runID: run.runID).write(
            batch, tables.layout.definitions, runID: run.runID, shard: shard)
        try Failpoint.reach("postgres.prepare.after-parts")
        return observed
    }

    // MARK: Content

    /// Users, endpoints and their parts.
    func writeContent(_ batch: Batch, runID: String) throws -> RunCounts {
        // A part of a batch whose other parts were staged before it.
        if hasStagedRows { try connection.execute(StagedMerge.emptying(tables.layout.definitions)) }
        let none = RowBuffer(columnCount: 1)
        let users = places.users.map { batch.tables[$0.index] } ?? none
        let endpoints = places.endpoints.map { batch.tables[$0.index] } ?? none
        // Keys in the plan point into both arenas, so both stay open until the last row is written.
        return try users.withRows { userRows in
            try endpoints.withRows { endpointRows in
                var resolved = BatchMerge(places, users: userRows, endpoints: endpointRows, conflict: conflict)
                let tombstones = try applyTombstones(batch.tombstones, &resolved, endpointRows, runID: runID)
                var observed = try write(batch, &resolved, userRows, endpointRows, runID: runID)
                observed.superseded += resolved.plan.superseded + tombstones.superseded
                observed.removed += tombstones.removed
                return observed
            }
        }
    }

    /// Takes out of the store and of the batch what filters have taken out of the input.
    private func applyTombstones(
        _ tombstones: RowBuffer, _ resolved: inout BatchMerge, _ endpoints: RowsInPlace, runID: String
    ) throws -> RunCounts {
        guard !tombstones.isEmpty, let place = places.endpoints else { return RunCounts() }
        let gone = try tombstones.withRows { rows in
            let order = resolved.applyTombstones(rows)
            let definition = TableDefinition(
                name: StagedMerge.tombstones, role: .endpoints, columns: Tombstones.columns, key: [])
            return try BinaryCopy.send(rows, order, of: definition, to: StagedMerge.tombstones, connection)
        }
        guard gone > 0 else { return RunCounts() }
        hasStagedRows = true
        let date = resolved.plan.prefersNewest ? place.definition.dateColumn : nil
        return try merge.applyTombstones(connection, place, date: date, runID: runID)
    }

    private func write(
        _ batch: Batch, _ resolved: inout BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace, runID: String
    ) throws -> RunCounts {
        if !tables.layout.mode.mergesWithEarlierRuns, !resolved.hasOutdated {
            if stagedAhead == 0 {
                // Nearly always every row of a run is new to it; then nothing needs to be compared.
                do {
                    try isolated {
                        _ = try copyOwners(resolved, users, endpoints, to: destination)
                        _ = try copyParts(batch, resolved, to: destination)
                    }
                    lastDetour = 0
                    return RunCounts()
                } catch let failure as PostgresFailure where failure.isUniqueViolation || failure.isUnsupported {
                    // Where keys repeat once they often do: the vain attempts get rarer.
                    lastDetour = min(64, lastDetour * 2 + 1)
                    stagedAhead = lastDetour
                }
            } else {
                stagedAhead -= 1
            }
        }
        hasStagedRows = true
        let counts = try copyOwners(resolved, users, endpoints, to: StagedMerge.staging)
        let outdated = try copyOutdated(resolved.outdated(), endpoints)
        try Failpoint.reach("postgres.prepare.after-copy")
        if resolved.plan.prefersNewest, let place = places.endpoints, let date = place.definition.dateColumn {
            let observed = try merge.runNewest(
                connection, place, date: date, runID: runID, staged: counts[place.definition.name] ?? 0
            ) { resolved.giveWay($0) }
            try writeParts(batch, resolved)
            return observed
        }
        let observed = try merge.run(connection, runID: runID, counts: counts, outdated: outdated)
        try writeParts(batch, resolved)
        return observed
    }

    /// Writes the parts of merged endpoints, of which the store has none any more.
    private func writeParts(_ batch: Batch, _ resolved: BatchMerge) throws {
        // Straight to their place, unless somebody writes the same endpoints at this moment.
        do {
            try isolated { _ = try copyParts(batch, resolved, to: destination) }
        } catch let failure as PostgresFailure where failure.isUniqueViolation || failure.isUnsupported {
            let counts = try copyParts(batch, resolved, to: StagedMerge.staging)
            for place in places.parts where counts[place.definition.name] ?? 0 > 0 {
                try connection.execute(merge.upsert(place))
            }
        }
    }

    /// Runs `body` so that its failure undoes no more than itself. Constraints that wait for the end of the transaction
    /// are checked here already.
    func isolated<R>(_ body: () throws -> R) throws -> R {
        try connection.execute("SAVEPOINT sluice_rows; SET CONSTRAINTS ALL DEFERRED")
        do {
            let result = try body()
            try connection.execute("SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT sluice_rows")
            return result
        } catch {
            if connection.isOpen {
                try connection.execute("ROLLBACK TO SAVEPOINT sluice_rows; RELEASE SAVEPOINT sluice_rows")
            }
            throw error
        }
    }
}
