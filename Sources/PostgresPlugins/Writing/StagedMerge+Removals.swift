internal import PipelineCore
internal import SQLStore

/// Telling which endpoints went, for those who follow the changes.
extension StagedMerge {
    private static let columns = quoted(MergeRecords.removals.columns.map(\.name))

    /// Notes that the endpoints which were found go, or move to other users.
    func noteRemovals(run: RunRecord) throws {
        guard tracksChanges else { return }
        let key = MergeRecords.removals.key
        let updates = MergeRecords.removals.columns.map(\.name).filter { !key.contains($0) }
        try connection.execute(
            """
            INSERT INTO \(removals) (\(Self.columns))
            SELECT application_id, endpoint_id, min(user_id), CASE WHEN bool_or(is_written) THEN 'moved' ELSE min(reason) END,
                \(literal(run.runID)), \(literal(run.logicalDate))::timestamptz
            FROM \(Self.touched) GROUP BY application_id, endpoint_id
            HAVING NOT bool_or(is_written) OR bool_or(is_written AND reason IS NOT NULL)
            ON CONFLICT (\(quoted(key)))
            DO UPDATE SET \(updates.map { "\(quoted($0)) = excluded.\(quoted($0))" }.joined(separator: ", "))
            """)
    }

    /// Takes back what the run has noted of endpoints that are staged as new: they had gone for a while only, or have moved.
    func takeBackRemovals(_ endpoints: LayoutPlaces.Place, runID: String) throws {
        guard tracksChanges, try !connection.execute("SELECT 1 FROM \(removals) LIMIT 1").rows.isEmpty else { return }
        let key = [endpoints.application, endpoints.id].map { quoted(endpoints.name($0)) }
        let isRemoved =
            "r.application_id = s.\(key[0]) AND r.endpoint_id = s.\(key[1]) AND r.run_id = \(literal(runID))"
        let staging = Self.staging(endpoints.definition)
        guard endpoints.definition.index(of: "user_id") != nil else {
            try connection.execute("DELETE FROM \(removals) AS r USING \(staging) AS s WHERE \(isRemoved)")
            return
        }
        try connection.execute(
            """
            DELETE FROM \(removals) AS r USING \(staging) AS s
            WHERE \(isRemoved) AND r.user_id IS NOT DISTINCT FROM s.user_id;
            UPDATE \(removals) AS r SET reason = 'moved' FROM \(staging) AS s WHERE \(isRemoved) AND r.reason <> 'moved'
            """)
    }
}
