internal import PipelineCore
internal import SQLStore

/// Endpoints that filters have taken out of an archive's records: the store is to have them no longer.
extension StagedMerge {
    /// Removes the endpoints with staged keys, and their parts; the staging tables are as before then.
    ///
    /// - Parameter date: the place of the date's column, where an endpoint that is stored with a newer date stays.
    func applyTombstones(
        _ connection: PostgresConnection, _ endpoints: LayoutPlaces.Place, date: Int?, runID: String
    ) throws -> RunCounts {
        var observed = RunCounts()
        let found = try connection.query(findTombstones(endpoints, date: date), [runID]).affectedRows
        if found > 0 {
            let counts = try connection.query("SELECT count(*) FILTER (WHERE is_runs) FROM \(Self.touched)")
            observed.superseded = counts.integer(0, 0)
            observed.removed = found - observed.superseded
            for place in places.parts + [endpoints] {
                try connection.query(delete(place, Self.touched), runArguments(runID))
            }
            try connection.execute("DELETE FROM \(Self.touched)")
        }
        try connection.execute("DELETE FROM \(Self.tombstones)")
        return observed
    }

    /// Notes which of the endpoints are stored; they stay locked until they are gone.
    private func findTombstones(_ endpoints: LayoutPlaces.Place, date: Int?) -> String {
        let application = quoted(endpoints.name(endpoints.application))
        let id = quoted(endpoints.name(endpoints.id))
        let stays = date.map { date in
            let stored = "e.\(quoted(endpoints.name(date)))"
            return " AND NOT coalesce(s.effective_date < \(stored), s.effective_date IS NULL AND \(stored) IS NOT NULL)"
        }
        return """
            INSERT INTO \(Self.touched) (application_id, endpoint_id, is_users, is_runs, is_written)
            SELECT e.\(application), e.\(id), false, \(isOfRun(endpoints)), false
            FROM \(Self.tombstones) AS s JOIN \(destination(endpoints.definition)) AS e
                ON e.\(application) = s.application_id AND e.\(id) = s.endpoint_id
            WHERE \(isKeyedByRun ? "e.run_id = $1::text" : "$1::text IS NOT NULL")\(stays ?? "")
            FOR UPDATE OF e
            """
    }
}
