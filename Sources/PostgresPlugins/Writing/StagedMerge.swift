internal import PipelineCore
internal import SQLStore

/// The SQL that merges a batch's staged rows into the tables they belong to, a set at a time.
///
/// The staging tables are the session's own and empty again after each commit. Where a mode keeps runs side by side, its
/// keys hold `run_id`, and what is found for a user or an endpoint is this run's alone.
struct StagedMerge {
    let places: LayoutPlaces
    let isKeyedByRun: Bool
    /// Where the rows go: the tables themselves, or those in which a `replace` waits.
    let destination: (TableDefinition) -> String

    init(_ places: LayoutPlaces, isKeyedByRun: Bool, destination: @escaping (TableDefinition) -> String) {
        self.places = places
        self.isKeyedByRun = isKeyedByRun
        self.destination = destination
    }

    // MARK: The session's own tables

    /// Endpoints in the store that a batch touches: those of its users, and those that it brings. Where dates decide, also
    /// which staged row each stands against, and whether that is older.
    static let touched = "pg_temp.sluice_touched"
    /// Keys of endpoints that the batch's users had for a while within the batch.
    static let outdated = "pg_temp.sluice_outdated"

    /// Keys of endpoints that filters have taken out of the input.
    static let tombstones = "pg_temp.sluice_tombstones"

    static func staging(_ definition: TableDefinition) -> String {
        "pg_temp.\(quoted("sluice_stage_\(definition.name)"))"
    }

    /// Once a session; a commit empties them.
    static func creation(_ definitions: [TableDefinition]) -> String {
        // Without collations of their own: in a comparison the destination's collation then counts, and its index serves.
        let key = "application_id text, endpoint_id text"
        let stages = definitions.map { definition in
            let columns = definition.columns.map { PostgresTables.declaration($0, isKey: false) }
            return "CREATE TEMPORARY TABLE \(staging(definition)) (\(columns.joined(separator: ", ")))"
        }
        return
            (stages + [
                "CREATE TEMPORARY TABLE \(touched) (\(key), is_users boolean, is_runs boolean, is_written boolean, "
                    + "staged_at tid, is_older boolean)",
                "CREATE TEMPORARY TABLE \(outdated) (\(key))",
                "CREATE TEMPORARY TABLE \(tombstones) "
                    + "(\(Tombstones.columns.map { PostgresTables.declaration($0, isKey: false) }.joined(separator: ", ")))",
            ])
            .map { "\($0) ON COMMIT DELETE ROWS" }.joined(separator: "; ")
    }

    /// Empties them within a transaction.
    static func emptying(_ definitions: [TableDefinition]) -> String {
        (definitions.map(staging) + [touched, outdated, tombstones]).map { "DELETE FROM \($0)" }.joined(separator: "; ")
    }

    // MARK: Merging

    /// Merges the staged users and endpoints; by then the store has no parts of these endpoints any more.
    ///
    /// - Parameters:
    ///   - counts: staged rows by table, so that nothing is asked of tables without rows.
    ///   - outdated: staged keys of endpoints that are to be gone.
    func run(
        _ connection: PostgresConnection, runID: String, counts: [String: Int], outdated: Int
    ) throws -> RunCounts {
        var observed = RunCounts()
        // Users first: others may refer to them, and two writers that have fetched the same user take turns here, so that
        // what is looked up from here on is what the other one has left.
        if let users = places.users, counts[users.definition.name] ?? 0 > 0 {
            try connection.execute(upsert(users))
        }
        if let endpoints = places.endpoints {
            let staged = counts[endpoints.definition.name] ?? 0
            let users = places.users.flatMap { counts[$0.definition.name] } ?? 0
            observed = try clear(connection, endpoints, runID: runID, staged: staged, users: users, outdated: outdated)
            try Failpoint.reach("postgres.prepare.after-deletes")
            if staged > 0 { try connection.execute(upsert(endpoints)) }
        }
        return observed
    }

    /// Takes out what the batch replaces: the parts of every endpoint it touches, and its users' endpoints that it lacks.
    private func clear(
        _ connection: PostgresConnection, _ endpoints: LayoutPlaces.Place, runID: String, staged: Int, users: Int,
        outdated: Int
    ) throws -> RunCounts {
        var finders: [String] = []
        if users > 0, let place = places.users, endpoints.definition.index(of: "user_id") != nil {
            finders.append(
                find(
                    endpoints, Self.staging(place.definition), idColumn: place.name(place.id), joining: "user_id",
                    isUsers: true, isWritten: false))
        }
        if staged > 0 {
            finders.append(
                find(
                    endpoints, Self.staging(endpoints.definition), idColumn: endpoints.name(endpoints.id),
                    joining: endpoints.name(endpoints.id), isUsers: false, isWritten: true))
        }
        if outdated > 0 {
            finders.append(
                find(
                    endpoints, Self.outdated, idColumn: "endpoint_id", joining: endpoints.name(endpoints.id),
                    isUsers: false, isWritten: false))
        }
        var found = 0
        for sql in finders { found += try connection.query(sql, [runID]).affectedRows }
        guard found > 0 else { return RunCounts() }
        let row = try connection.query(
            """
            SELECT count(*) FILTER (WHERE is_users AND NOT is_runs),
                count(*) FILTER (WHERE is_users AND NOT is_runs AND NOT is_written),
                count(*) FILTER (WHERE is_runs AND (is_users OR is_written)),
                count(*) FILTER (WHERE NOT is_written)
            FROM (SELECT bool_or(is_users) AS is_users, bool_or(is_runs) AS is_runs, bool_or(is_written) AS is_written
                FROM \(Self.touched) GROUP BY application_id, endpoint_id) AS t
            """)
        var observed = RunCounts()
        observed.previousEndpoints = row.integer(0, 0)
        observed.removed = row.integer(0, 1)
        observed.superseded = row.integer(0, 2)
        for part in places.parts { try connection.query(delete(part, Self.touched), runArguments(runID)) }
        if row.integer(0, 3) > 0 {
            let stale =
                "(SELECT application_id, endpoint_id FROM \(Self.touched) GROUP BY application_id, endpoint_id "
                + "HAVING NOT bool_or(is_written))"
            try connection.query(delete(endpoints, stale), runArguments(runID))
        }
        return observed
    }

    /// Notes which endpoints in the store belong to a staged user, or have a staged key. They stay locked until the
    /// transaction ends, so that what is read of them holds and two writers take turns.
    private func find(
        _ endpoints: LayoutPlaces.Place, _ staging: String, idColumn: String, joining column: String, isUsers: Bool,
        isWritten: Bool
    ) -> String {
        let application = quoted(endpoints.name(endpoints.application))
        let isRuns = isOfRun(endpoints)
        return """
            INSERT INTO \(Self.touched) (application_id, endpoint_id, is_users, is_runs, is_written)
            SELECT e.\(application), e.\(quoted(endpoints.name(endpoints.id))), \(isUsers), \(isRuns), \(isWritten)
            FROM \(staging) AS s JOIN \(destination(endpoints.definition)) AS e
                ON e.\(application) = s.application_id AND e.\(quoted(column)) = s.\(quoted(idColumn))
            WHERE \(isKeyedByRun ? "e.run_id = $1::text" : "$1::text IS NOT NULL")
            FOR UPDATE OF e
            """
    }

    /// Whether an endpoint `e` is of the run `$1`, and not of an earlier execution of it (see `BatchWriter.clear`).
    func isOfRun(_ endpoints: LayoutPlaces.Place) -> String {
        if endpoints.definition.index(of: "run_id") == nil { return "false" }
        let isOfThisOne = endpoints.definition.index(of: "ordinal") == nil ? "" : " AND e.ordinal >= 0"
        return "coalesce(e.run_id = $1::text\(isOfThisOne), false)"
    }

    /// Deletes endpoints, or the parts of endpoints, that a table or a query gives.
    func delete(_ place: LayoutPlaces.Place, _ endpoints: String) -> String {
        """
        DELETE FROM \(destination(place.definition)) AS d USING \(endpoints) AS t
        WHERE d.\(quoted(place.name(place.application))) = t.application_id
            AND d.\(quoted(place.name(place.id))) = t.endpoint_id\(isKeyedByRun ? " AND d.run_id = $1::text" : "")
        """
    }

    func runArguments(_ runID: String) -> [String] { isKeyedByRun ? [runID] : [] }

    /// Writes a table's staged rows, each in the place of one with its key.
    func upsert(_ place: LayoutPlaces.Place) -> String { upsert(place, from: Self.staging(place.definition)) }

    /// - Parameter rows: a table with the destination's columns, and what follows it in a query.
    func upsert(_ place: LayoutPlaces.Place, from rows: String) -> String {
        let names = place.definition.columns.map(\.name)
        let key = place.definition.key
        let updates = names.filter { !key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        return """
            INSERT INTO \(destination(place.definition)) (\(quoted(names)))
            SELECT \(quoted(names)) FROM \(rows)
            ON CONFLICT (\(quoted(key))) DO \(updates.isEmpty ? "NOTHING" : "UPDATE SET \(updates.joined(separator: ", "))")
            """
    }
}
