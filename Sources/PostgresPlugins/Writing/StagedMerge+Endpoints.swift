internal import PipelineCore
internal import SQLStore

/// Writing the endpoints that a batch brings: only what differs is written, but for the columns that say when an endpoint
/// was seen.
extension StagedMerge {
    /// What the store has of a batch's endpoints, by what becomes of it.
    struct Known {
        var counts = RunCounts()
        /// Endpoints that the batch brings and the store has.
        var written = 0
        /// Endpoints that are to go.
        var stale = 0
        /// Endpoints that the batch brings from other users.
        var moved = 0
        var unchanged = 0
        var changed = 0
    }

    /// Takes the staged endpoints that are superseded by what is stored out of the batch.
    ///
    /// - Parameter givesWay: is told each one. The key is valid within the call alone.
    func dropOlder(_ endpoints: LayoutPlaces.Place, givesWay: (KeyInPlace) -> Void) throws {
        let dropped = try connection.execute(
            """
            DELETE FROM \(Self.staging(endpoints.definition))
            WHERE ctid = ANY (ARRAY(SELECT staged_at FROM \(Self.touched) WHERE is_older))
            RETURNING \(quoted(endpoints.name(endpoints.application))), \(quoted(endpoints.name(endpoints.id)))
            """)
        for row in 0..<dropped.rowCount {
            givesWay(KeyInPlace(application: dropped.bytes(row, 0), id: dropped.bytes(row, 1)))
        }
        if dropped.rowCount > 0 { try connection.execute("DELETE FROM \(Self.touched) WHERE is_older") }
    }

    /// Notes the endpoints whose parts differ, by their rows in the batch.
    func noteDiffering(_ rows: [Int]) throws {
        guard !rows.isEmpty else { return }
        let list = "{\(rows.map(String.init).joined(separator: ","))}"
        try connection.execute(
            "UPDATE \(Self.touched) SET is_same = false WHERE is_same AND \(Self.batchRow) = ANY ('\(list)'::bigint[])")
    }

    /// Counts what was found.
    func known() throws -> Known {
        let row = try connection.execute(
            """
            SELECT count(*) FILTER (WHERE is_users AND NOT is_runs),
                count(*) FILTER (WHERE is_users AND NOT is_runs AND NOT is_written),
                count(*) FILTER (WHERE is_runs AND (is_users OR is_written)),
                count(*) FILTER (WHERE is_written), count(*) FILTER (WHERE NOT is_written),
                count(*) FILTER (WHERE is_moved), count(*) FILTER (WHERE is_written AND is_same),
                count(*) FILTER (WHERE is_written AND NOT is_runs AND is_same),
                count(*) FILTER (WHERE is_written AND NOT is_runs AND NOT is_same),
                count(*) FILTER (WHERE is_written AND is_runs AND NOT is_same AND NOT is_changed),
                count(*) FILTER (WHERE NOT is_written AND is_users AND is_runs AND is_changed),
                count(*) FILTER (WHERE NOT is_written AND is_users AND is_runs AND NOT is_changed)
            FROM (SELECT bool_or(is_users) AS is_users, bool_or(is_runs) AS is_runs, bool_or(is_written) AS is_written,
                    bool_or(is_same) AS is_same, bool_or(is_changed) AS is_changed,
                    bool_or(is_written AND reason IS NOT NULL) AS is_moved
                FROM \(Self.touched) GROUP BY application_id, endpoint_id) AS t
            """)
        var known = Known()
        known.counts.previousEndpoints = row.integer(0, 0)
        known.counts.removed = row.integer(0, 1)
        known.counts.superseded = row.integer(0, 2)
        (known.written, known.stale, known.moved) = (row.integer(0, 3), row.integer(0, 4), row.integer(0, 5))
        (known.unchanged, known.changed) = (row.integer(0, 6), known.written - row.integer(0, 6))
        known.counts.changes = EndpointChanges.observed(
            unchanged: row.integer(0, 7), changed: row.integer(0, 8), changedAgain: row.integer(0, 9),
            withdrawn: (added: row.integer(0, 10), unchanged: row.integer(0, 11)))
        return known
    }

    /// Removes the endpoints that were found and that the batch doesn't bring, and their parts.
    func deleteStale(_ endpoints: LayoutPlaces.Place, runID: String) throws {
        let stale =
            "(SELECT application_id, endpoint_id FROM \(Self.touched) GROUP BY application_id, endpoint_id "
            + "HAVING NOT bool_or(is_written))"
        for place in places.parts + [endpoints] { try delete(place, stale, runID: runID) }
    }

    /// Writes the staged endpoints that the store has.
    func updateKnown(_ endpoints: LayoutPlaces.Place, _ known: Known, runID: String) throws {
        let content = EndpointContent(endpoints.definition)
        if known.unchanged > 0, !content.seen.isEmpty {
            // Nothing else is named: a text that is stored apart from its row would be stored again.
            try update(endpoints, content.seen.map { ($0.name, $0.name) }, where: "is_same", runID: runID)
        }
        guard known.changed > 0 else { return }
        var values = (content.columns + content.seen).map { ($0.name, $0.name) }
        if tracksChanges, let date = content.logicalDate {
            values.append((MergeRecords.changedAt.name, endpoints.name(date)))
        }
        if !values.isEmpty { try update(endpoints, values, where: "is_written AND NOT is_same", runID: runID) }
    }

    private func update(
        _ endpoints: LayoutPlaces.Place, _ values: [(column: String, staged: String)], where condition: String,
        runID: String
    ) throws {
        let key = [endpoints.application, endpoints.id].map { quoted(endpoints.name($0)) }
        try connection.execute(
            """
            UPDATE \(destination(endpoints.definition)) AS e
            SET \(values.map { "\(quoted($0.column)) = s.\(quoted($0.staged))" }.joined(separator: ", "))
            FROM \(Self.staging(endpoints.definition)) AS s
            WHERE s.ctid = ANY (ARRAY(SELECT staged_at FROM \(Self.touched) WHERE \(condition)))
                AND \(key.map { "e.\($0) = s.\($0)" }.joined(separator: " AND "))\(ofRun("e", runID))
            """)
    }

    /// Writes the staged endpoints that the store doesn't have.
    ///
    /// - Parameters:
    ///   - new: how many there are.
    ///   - known: how many of the staged ones the store has.
    /// - Throws: `PostgresFailure` that is a conflict where others have stored some of them meanwhile.
    func insertNew(_ endpoints: LayoutPlaces.Place, _ new: Int, known: Int, runID: String) throws {
        let staging = Self.staging(endpoints.definition)
        if known > 0 {
            // A row that is there wouldn't be written anyway, but a trigger before the insertion would see it.
            try connection.execute(
                "DELETE FROM \(staging) WHERE ctid = ANY (ARRAY(SELECT staged_at FROM \(Self.touched)))")
        }
        let names = endpoints.definition.columns.map(\.name)
        var (columns, values) = (names, names)
        if tracksChanges, let date = EndpointContent(endpoints.definition).logicalDate {
            columns.append(MergeRecords.changedAt.name)
            values.append(names[date])
        }
        let inserted = try connection.execute(
            "INSERT INTO \(destination(endpoints.definition)) (\(quoted(columns))) SELECT \(quoted(values)) "
                + "FROM \(staging) ON CONFLICT (\(quoted(endpoints.definition.key))) DO NOTHING"
        ).affectedRows
        // A trigger of the user's may leave rows out; then nobody else has stored them.
        if inserted < new, try stored(endpoints, runID) > inserted {
            throw PostgresFailure(
                sqlState: "40001", message: "another writer has stored endpoints of the same batch meanwhile")
        }
    }

    /// How many of the endpoints that are still staged the store has by now.
    private func stored(_ endpoints: LayoutPlaces.Place, _ runID: String) throws -> Int {
        try connection.execute("SELECT count(*) FROM \(joinsStaged(endpoints))\(ofRun("e", runID))").integer(0, 0)
    }
}
