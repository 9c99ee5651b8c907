internal import PipelineCore
internal import SQLStore

/// The merge of staged endpoints of which each gives way to a stored one with a newer date.
///
/// Two writers may bring the same endpoints. Those that are stored are locked when they are looked up, and are seen as the
/// other writer has left them. One that the other writer stores after that is noticed, as it isn't new any more when its
/// turn comes; then the whole batch is done again.
extension StagedMerge {
    /// Merges the staged endpoints; by then the store has no parts of those that stay in the batch.
    ///
    /// - Parameters:
    ///   - date: the place of the date's column.
    ///   - staged: endpoints, each with a key of its own.
    ///   - givesWay: is told each endpoint that isn't written. The key is valid within the call alone.
    /// - Throws: `PostgresFailure` that is a conflict where others have stored endpoints of the batch meanwhile.
    func runNewest(
        _ connection: PostgresConnection, _ endpoints: LayoutPlaces.Place, date: Int, runID: String, staged: Int,
        givesWay: (KeyInPlace) -> Void
    ) throws -> RunCounts {
        var observed = RunCounts()
        guard staged > 0 else { return observed }
        let found = try connection.query(findDated(endpoints, date: date), [runID]).affectedRows
        var known = found
        if found > 0 {
            let counts = try connection.query(
                "SELECT count(*) FILTER (WHERE is_older), count(*) FILTER (WHERE is_runs AND NOT is_older) "
                    + "FROM \(Self.touched)")
            let older = counts.integer(0, 0)
            observed.superseded = counts.integer(0, 1)
            if older > 0 { try dropOlder(connection, endpoints, givesWay) }
            known -= older
            if known > 0 {
                for part in places.parts { try connection.query(delete(part, Self.touched), runArguments(runID)) }
            }
        }
        try Failpoint.reach("postgres.prepare.after-deletes")
        let new = staged - found
        if new > 0 {
            let inserted = try connection.query(insertNew(endpoints)).affectedRows
            if inserted < new, try stored(connection, endpoints, runID) > known + inserted {
                throw PostgresFailure(
                    sqlState: "40001", message: "another writer has stored endpoints of the same batch meanwhile")
            }
        }
        if known > 0 { try connection.execute(upsertKnown(endpoints)) }
        return observed
    }

    /// Takes the staged endpoints that are older out of the batch.
    private func dropOlder(
        _ connection: PostgresConnection, _ endpoints: LayoutPlaces.Place, _ givesWay: (KeyInPlace) -> Void
    ) throws {
        let dropped = try connection.query(
            """
            DELETE FROM \(Self.staging(endpoints.definition))
            WHERE ctid = ANY (ARRAY(SELECT staged_at FROM \(Self.touched) WHERE is_older))
            RETURNING \(quoted(endpoints.name(endpoints.application))), \(quoted(endpoints.name(endpoints.id)))
            """)
        for row in 0..<dropped.rowCount {
            givesWay(KeyInPlace(application: dropped.bytes(row, 0), id: dropped.bytes(row, 1)))
        }
        try connection.execute("DELETE FROM \(Self.touched) WHERE is_older")
    }

    // MARK: SQL

    private func joinsStaged(_ endpoints: LayoutPlaces.Place) -> String {
        let columns = [endpoints.application, endpoints.id].map { quoted(endpoints.name($0)) }
        return "\(Self.staging(endpoints.definition)) AS s JOIN \(destination(endpoints.definition)) AS e "
            + "ON \(columns.map { "e.\($0) = s.\($0)" }.joined(separator: " AND ")) "
            + "WHERE \(isKeyedByRun ? "e.run_id = $1::text" : "$1::text IS NOT NULL")"
    }

    /// Notes which staged endpoints are stored, and which of those are older; what is stored stays locked.
    private func findDated(_ endpoints: LayoutPlaces.Place, date: Int) -> String {
        let date = quoted(endpoints.name(date))
        return """
            INSERT INTO \(Self.touched)
            SELECT e.\(quoted(endpoints.name(endpoints.application))), e.\(quoted(endpoints.name(endpoints.id))), false,
                \(isOfRun(endpoints)), true, s.ctid,
                coalesce(s.\(date) < e.\(date), s.\(date) IS NULL AND e.\(date) IS NOT NULL)
            FROM \(joinsStaged(endpoints))
            FOR UPDATE OF e
            """
    }

    /// How many of the staged endpoints the store has by now.
    private func stored(
        _ connection: PostgresConnection, _ endpoints: LayoutPlaces.Place, _ runID: String
    ) throws -> Int {
        try connection.query("SELECT count(*) FROM \(joinsStaged(endpoints))", [runID]).integer(0, 0)
    }

    private func insertNew(_ endpoints: LayoutPlaces.Place) -> String {
        let names = quoted(endpoints.definition.columns.map(\.name))
        return "INSERT INTO \(destination(endpoints.definition)) (\(names)) "
            + "SELECT \(names) FROM \(Self.staging(endpoints.definition)) "
            + "ON CONFLICT (\(quoted(endpoints.definition.key))) DO NOTHING"
    }

    /// Writes the staged endpoints that were found in the store in the place of those.
    private func upsertKnown(_ endpoints: LayoutPlaces.Place) -> String {
        upsert(
            endpoints,
            from:
                "\(Self.staging(endpoints.definition)) WHERE ctid = ANY (ARRAY(SELECT staged_at FROM \(Self.touched)))")
    }
}
