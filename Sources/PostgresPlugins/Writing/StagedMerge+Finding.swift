internal import PipelineCore
internal import SQLStore

/// Finding what the store has of a batch's users and endpoints.
extension StagedMerge {
    /// Notes the endpoints in the store that belong to a staged user, and those with a staged key.
    ///
    /// - Parameters:
    ///   - staged: staged rows by table, so that nothing is asked of tables without rows.
    ///   - outdated: staged keys of endpoints that are to be gone.
    ///   - plan: says which of two endpoints counts.
    /// - Returns: How many there are.
    func find(
        _ endpoints: LayoutPlaces.Place, staged: [String: Int], outdated: Int, _ plan: MergePlan, run: RunRecord
    ) throws -> Int {
        var found = 0
        if let users = places.users, staged[users.definition.name] ?? 0 > 0,
            endpoints.definition.index(of: "user_id") != nil
        {
            found += try findOfUsers(endpoints, users, run: run)
        }
        if staged[endpoints.definition.name] ?? 0 > 0 { found += try findStaged(endpoints, plan, run: run) }
        if outdated > 0 { found += try findOutdated(endpoints, run: run) }
        return found
    }

    /// What each finder notes, with how it is found for an endpoint `e` and, of a staged row, `s`.
    private func note(
        _ endpoints: LayoutPlaces.Place, _ values: [String: String], from joined: String, run: RunRecord
    ) throws -> Int {
        var values = values
        values["application_id"] = "e.\(quoted(endpoints.name(endpoints.application)))"
        values["endpoint_id"] = "e.\(quoted(endpoints.name(endpoints.id)))"
        values["is_runs"] = isOfRun(endpoints, run.runID)
        values["is_changed"] = isChanged(endpoints, run)
        let names = values.keys.sorted()
        // They stay locked until the transaction ends, so that what is read of them holds and two writers take turns.
        return try connection.execute(
            """
            INSERT INTO \(Self.touched) (\(names.joined(separator: ", ")))
            SELECT \(names.compactMap { values[$0] }.joined(separator: ", "))
            FROM \(joined)\(ofRun("e", run.runID)) FOR UPDATE OF e
            """
        ).affectedRows
    }

    private func findOfUsers(
        _ endpoints: LayoutPlaces.Place, _ users: LayoutPlaces.Place, run: RunRecord
    ) throws -> Int {
        let isAbsent = users.definition.index(of: "status") == nil ? "false" : "s.status = 'absent'"
        return try note(
            endpoints,
            [
                "is_users": "true", "is_written": "false", "user_id": "e.user_id",
                "reason": "CASE WHEN \(isAbsent) THEN 'absent' ELSE 'gone' END",
            ],
            from: "\(Self.staging(users.definition)) AS s JOIN \(destination(endpoints.definition)) AS e ON "
                + "e.\(quoted(endpoints.name(endpoints.application))) = s.\(quoted(users.name(users.application))) "
                + "AND e.user_id = s.\(quoted(users.name(users.id)))", run: run)
    }

    /// Whether a staged row `s` is older than the stored endpoint `e`, or stands earlier in the same run.
    private func isSuperseded(_ endpoints: LayoutPlaces.Place, by plan: MergePlan, run: RunRecord) -> String {
        let isFurtherOn =
            plan.comparesOrdinals ? "\(isOfRun(endpoints, run.runID)) AND e.ordinal > s.ordinal" : "false"
        guard plan.prefersNewest, let column = endpoints.definition.dateColumn else { return isFurtherOn }
        let date = quoted(endpoints.name(column))
        return "CASE WHEN s.\(date) IS NOT DISTINCT FROM e.\(date) THEN \(isFurtherOn) "
            + "ELSE coalesce(s.\(date) < e.\(date), s.\(date) IS NULL) END"
    }

    private func findStaged(_ endpoints: LayoutPlaces.Place, _ plan: MergePlan, run: RunRecord) throws -> Int {
        let hasUser = endpoints.definition.index(of: "user_id") != nil
        let isSame = EndpointContent(endpoints.definition).columns.map(Self.isSame).joined(separator: " AND ")
        return try note(
            endpoints,
            [
                "is_users": "false", "is_written": "true", "staged_at": "s.ctid", Self.batchRow: "s.\(Self.batchRow)",
                "is_older": isSuperseded(endpoints, by: plan, run: run), "is_same": isSame.isEmpty ? "true" : isSame,
                // Whose it was, where it moves.
                "user_id": hasUser ? "CASE WHEN e.user_id IS DISTINCT FROM s.user_id THEN e.user_id END" : "NULL",
                "reason": hasUser ? "CASE WHEN e.user_id IS DISTINCT FROM s.user_id THEN 'moved' END" : "NULL",
            ], from: joinsStaged(endpoints), run: run)
    }

    private func findOutdated(_ endpoints: LayoutPlaces.Place, run: RunRecord) throws -> Int {
        let user = endpoints.definition.index(of: "user_id") == nil ? "NULL" : "e.user_id"
        return try note(
            endpoints, ["is_users": "false", "is_written": "false", "user_id": user, "reason": "'gone'"],
            from:
                "\(Self.outdated) AS s JOIN \(destination(endpoints.definition)) AS e ON \(hasKey(endpoints, of: "s"))",
            run: run)
    }

    /// Notes which endpoints that filters have taken out are stored, but for those with a newer date.
    func findTombstones(_ endpoints: LayoutPlaces.Place, date: Int?, run: RunRecord) throws -> Int {
        let stays = date.map { date in
            let stored = "e.\(quoted(endpoints.name(date)))"
            return " AND NOT coalesce(s.effective_date < \(stored), s.effective_date IS NULL AND \(stored) IS NOT NULL)"
        }
        let user = endpoints.definition.index(of: "user_id") == nil ? "NULL" : "e.user_id"
        return try note(
            endpoints, ["is_users": "false", "is_written": "false", "user_id": user, "reason": "'filtered'"],
            from: "\(Self.tombstones) AS s JOIN \(destination(endpoints.definition)) AS e ON "
                + hasKey(endpoints, of: "s") + (stays ?? ""), run: run)
    }

    // MARK: Conditions

    /// Staged endpoints `s` with those `e` that have their keys.
    func joinsStaged(_ endpoints: LayoutPlaces.Place) -> String {
        let columns = [endpoints.application, endpoints.id].map { quoted(endpoints.name($0)) }
        return "\(Self.staging(endpoints.definition)) AS s JOIN \(destination(endpoints.definition)) AS e "
            + "ON \(columns.map { "e.\($0) = s.\($0)" }.joined(separator: " AND "))"
    }

    private func hasKey(_ endpoints: LayoutPlaces.Place, of keys: String) -> String {
        "e.\(quoted(endpoints.name(endpoints.application))) = \(keys).application_id "
            + "AND e.\(quoted(endpoints.name(endpoints.id))) = \(keys).endpoint_id"
    }

    /// Whether an endpoint `e` is of the run, and not of an earlier execution of it (see `RunLedger.clear`).
    private func isOfRun(_ endpoints: LayoutPlaces.Place, _ runID: String) -> String {
        if endpoints.definition.index(of: "run_id") == nil { return "false" }
        let isOfThisOne = endpoints.definition.index(of: "ordinal") == nil ? "" : " AND e.ordinal >= 0"
        return "coalesce(e.run_id = \(literal(runID))\(isOfThisOne), false)"
    }

    /// Whether an endpoint `e` was last changed by the run at hand, as far as its date tells.
    private func isChanged(_ endpoints: LayoutPlaces.Place, _ run: RunRecord) -> String {
        guard tracksChanges, EndpointContent(endpoints.definition).logicalDate != nil else { return "false" }
        return "coalesce(e.\(quoted(MergeRecords.changedAt.name)) = \(literal(run.logicalDate))::timestamptz, false)"
    }

    /// Whether a staged row `s` has the very value of a stored one `e`: texts byte by byte, whatever the column's
    /// collation takes for equal; numbers with their sign and JSON with its spelling, which `=` passes over.
    private static func isSame(_ column: Column) -> String {
        let (staged, stored) = ("s.\(quoted(column.name))", "e.\(quoted(column.name))")
        return switch column.type {
        case .text: "\(stored) COLLATE pg_catalog.\"C\" IS NOT DISTINCT FROM \(staged)"
        case .integer, .time: "\(stored) IS NOT DISTINCT FROM \(staged)"
        case .real: "float8send(\(stored)) IS NOT DISTINCT FROM float8send(\(staged))"
        case .json: "\(stored)::text COLLATE pg_catalog.\"C\" IS NOT DISTINCT FROM \(staged)::text"
        }
    }
}
