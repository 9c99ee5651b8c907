internal import PipelineCore
internal import SQLStore

/// Rows that the store most likely has none of: those of a first load.
extension BatchWriter {
    /// Copies a batch's rows straight to their place, where nothing needs to be compared.
    ///
    /// - Returns: Nil where the store has some of them already, and then nothing is written.
    func writeNew(
        _ batch: Batch, _ resolved: BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace
    ) throws -> RunCounts? {
        if resolved.hasOutdated { return nil }
        guard stagedAhead == 0 else {
            stagedAhead -= 1
            return nil
        }
        do {
            if try !tables.layout.mode.mergesWithEarlierRuns || isNew(resolved, users, endpoints) {
                try isolated {
                    try copyOwners(resolved, users, endpoints)
                    try copyParts(batch, resolved)
                }
                lastDetour = 0
                var observed = RunCounts()
                observed.changes = EndpointChanges.observed(added: resolved.endpointCount)
                return observed
            }
        } catch let failure as PostgresFailure where failure.isUniqueViolation || failure.isUnsupported {}
        // Where keys are there already they often are: the vain attempts get rarer.
        lastDetour = min(64, lastDetour * 2 + 1)
        stagedAhead = lastDetour
        return nil
    }

    /// Whether the store has nothing of a batch's users, and none of a few of its endpoints; the keys tell of the rest. It
    /// must not tell of endpoints that went either: one of them may come back.
    private func isNew(_ resolved: BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace) throws -> Bool {
        guard let place = places.endpoints else { return true }
        var finders = ["SELECT 1 FROM \(merge.removals)"]
        var arguments: [String] = []
        func find(_ rows: RowsInPlace, _ order: [Int], _ owner: LayoutPlaces.Place, by column: String) {
            guard !order.isEmpty else { return }
            let first = arguments.count + 1
            arguments += [owner.application, owner.id].map { Self.array(rows, order, $0) }
            finders.append(
                "SELECT 1 FROM \(destination(place.definition)) AS e JOIN unnest($\(first)::text[], $\(first + 1)::text[]) "
                    + "AS s (application_id, id) ON e.\(quoted(place.name(place.application))) = s.application_id "
                    + "AND e.\(quoted(column)) = s.id")
        }
        if let owner = places.users, place.definition.index(of: "user_id") != nil {
            find(users, resolved.users(), owner, by: "user_id")
        }
        let rows = resolved.endpoints()
        let step = max(1, rows.count / Self.sample)
        find(endpoints, stride(from: 0, to: rows.count, by: step).map { rows[$0] }, place, by: place.name(place.id))
        let found = finders.map { "EXISTS (\($0))" }.joined(separator: " OR ")
        return try !connection.query("SELECT \(found)", arguments).boolean(0, 0)
    }

    /// Endpoints of a batch that are looked up before all of them are tried.
    private static let sample = 16
}
