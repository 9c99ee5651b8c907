internal import PipelineCore
internal import SQLStore

/// Writes batches into the tables of a layout, within a transaction that is the caller's.
///
/// In `merge` a user that a batch has fetched (a row in the users table) comes to have the endpoints and parts that it
/// brings, and no others; an endpoint that stood with another user moves. What is the same already isn't written.
/// Endpoints of batches without users (an archive) are merged one by one, and only there the policy on conflicts counts. A
/// user without a row keeps everything. `append` and `replace` do the same among the rows of their own run.
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
    var stagedAhead = 0
    var lastDetour = 0
    /// The rows go into what a `replace` has published, not into what waits.
    var isPublished = false {
        didSet { merge = Self.merge(connection, tables, isPublished: isPublished) }
    }

    init(_ connection: PostgresConnection, _ tables: PostgresTables, conflict: ConflictPolicy) {
        self.connection = connection
        self.conflict = conflict
        self.tables = tables
        places = LayoutPlaces(tables.layout.definitions)
        merge = Self.merge(connection, tables, isPublished: false)
    }

    private static func merge(
        _ connection: PostgresConnection, _ tables: PostgresTables, isPublished: Bool
    ) -> StagedMerge {
        StagedMerge(
            connection: connection, places: LayoutPlaces(tables.layout.definitions),
            isKeyedByRun: tables.layout.mode.keepsRunsApart, tracksChanges: tables.layout.mode.mergesWithEarlierRuns,
            removals: tables.name(MergeRecords.removals.name)
        ) { tables.destination($0, isPublished: isPublished) }
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
        let observed = try refusals(run).write(
            batch, tables.layout.definitions, runID: run.runID, shard: shard)
        try Failpoint.reach("postgres.prepare.after-parts")
        return observed
    }

    // MARK: Content

    /// Users, endpoints and their parts.
    func writeContent(_ batch: Batch, run: RunRecord) throws -> RunCounts {
        // A part of a batch whose other parts were staged before it.
        if hasStagedRows { try connection.execute(StagedMerge.emptying(tables.layout.definitions)) }
        let none = RowBuffer(columnCount: 1)
        let users = places.users.map { batch.tables[$0.index] } ?? none
        let endpoints = places.endpoints.map { batch.tables[$0.index] } ?? none
        // Keys in the plan point into both arenas, so both stay open until the last row is written.
        return try users.withRows { userRows in
            try endpoints.withRows { endpointRows in
                var resolved = BatchMerge(places, users: userRows, endpoints: endpointRows, conflict: conflict)
                let tombstones = try applyTombstones(batch.tombstones, &resolved, endpointRows, run: run)
                var observed = try write(batch, &resolved, userRows, endpointRows, run: run)
                observed.superseded += resolved.plan.superseded + tombstones.superseded
                observed.removed += tombstones.removed
                if let changes = tombstones.changes { observed.changes? += changes }
                if !tables.layout.mode.mergesWithEarlierRuns { observed.changes = nil }
                return observed
            }
        }
    }

    /// Takes out of the store and of the batch what filters have taken out of the input.
    private func applyTombstones(
        _ tombstones: RowBuffer, _ resolved: inout BatchMerge, _ endpoints: RowsInPlace, run: RunRecord
    ) throws -> RunCounts {
        guard !tombstones.isEmpty, let place = places.endpoints else { return RunCounts() }
        let gone = try tombstones.withRows { rows in
            let order = resolved.applyTombstones(rows)
            let definition = TableDefinition(
                name: StagedMerge.tombstones, role: .endpoints, columns: Tombstones.columns, key: [])
            return try BinaryCopy.send(
                rows, order, CopiedColumn.all(of: definition), to: StagedMerge.tombstones, connection)
        }
        guard gone > 0 else { return RunCounts() }
        hasStagedRows = true
        let date = resolved.plan.prefersNewest ? place.definition.dateColumn : nil
        return try merge.applyTombstones(place, date: date, run: run)
    }

    private func write(
        _ batch: Batch, _ resolved: inout BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace, run: RunRecord
    ) throws -> RunCounts {
        if let observed = try writeNew(batch, resolved, users, endpoints) { return observed }
        hasStagedRows = true
        let staged = try stageOwners(resolved, users, endpoints)
        let outdated = try copyOutdated(resolved.outdated(), endpoints)
        try Failpoint.reach("postgres.prepare.after-copy")
        // Users first: others may refer to them, and two writers that have fetched the same user take turns here, so that
        // what is looked up from here on is what the other one has left.
        if let users = places.users, staged[users.definition.name] ?? 0 > 0 { try merge.upsert(users) }
        guard let place = places.endpoints else { return RunCounts() }
        let plan = resolved.plan
        let found = try merge.find(place, staged: staged, outdated: outdated, plan, run: run)
        if found > 0, plan.prefersNewest || plan.comparesOrdinals {
            try merge.dropOlder(place) { resolved.giveWay($0) }
        }
        return try reconcile(batch, resolved, endpoints, of: place, isKnown: found > 0, run: run)
    }

    /// Brings the store's endpoints to what the batch says of them, once it is known which of them are there.
    private func reconcile(
        _ batch: Batch, _ resolved: BatchMerge, _ endpoints: RowsInPlace, of place: LayoutPlaces.Place, isKnown: Bool,
        run: RunRecord
    ) throws -> RunCounts {
        var known = StagedMerge.Known()
        var differences: [PartDifferences]?
        if isKnown {
            let found = try compareParts(batch, resolved, endpoints, runID: run.runID)
            try merge.noteDiffering(found.endpoints)
            known = try merge.known()
            if known.stale > 0 || known.moved > 0 { try merge.noteRemovals(run: run) }
            if known.stale > 0 { try merge.deleteStale(place, runID: run.runID) }
            try deleteGone(found, runID: run.runID)
            differences = found
        }
        try Failpoint.reach("postgres.prepare.after-deletes")
        if known.written > 0 { try merge.updateKnown(place, known, runID: run.runID) }
        let new = resolved.endpointCount - known.written
        if new > 0 {
            try merge.takeBackRemovals(place, runID: run.runID)
            try merge.insertNew(place, new, known: known.written, runID: run.runID)
        }
        try writeParts(batch, resolved, differences)
        var observed = known.counts
        observed.changes = known.counts.changes ?? EndpointChanges()
        observed.changes? += EndpointChanges.observed(added: new)
        return observed
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
