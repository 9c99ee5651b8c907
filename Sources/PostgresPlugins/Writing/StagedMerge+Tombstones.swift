internal import PipelineCore
internal import SQLStore

/// Endpoints that filters have taken out of an archive's records: the store is to have them no longer.
extension StagedMerge {
    /// Removes the endpoints with staged keys, and their parts; the staging tables are as before then.
    ///
    /// - Parameter date: the place of the date's column, where an endpoint that is stored with a newer date stays.
    func applyTombstones(_ endpoints: LayoutPlaces.Place, date: Int?, run: RunRecord) throws -> RunCounts {
        var observed = RunCounts()
        let found = try findTombstones(endpoints, date: date, run: run)
        if found > 0 {
            let counts = try connection.execute(
                "SELECT count(*) FILTER (WHERE is_runs), count(*) FILTER (WHERE is_runs AND is_changed) "
                    + "FROM \(Self.touched)")
            let (superseded, added) = (counts.integer(0, 0), counts.integer(0, 1))
            observed.superseded = superseded
            observed.removed = found - superseded
            observed.changes = EndpointChanges.observed(withdrawn: (added: added, unchanged: superseded - added))
            try noteRemovals(run: run)
            for place in places.parts + [endpoints] { try delete(place, Self.touched, runID: run.runID) }
            try connection.execute("DELETE FROM \(Self.touched)")
        }
        try connection.execute("DELETE FROM \(Self.tombstones)")
        return observed
    }
}
