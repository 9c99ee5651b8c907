internal import PipelineCore
internal import SQLStore

/// The SQL that merges a batch's staged rows into the tables they belong to, a set at a time.
///
/// The staging tables are the session's own and empty again after each commit. Where a mode keeps runs side by side, its
/// keys hold `run_id`, and what is found for a user or an endpoint is this run's alone.
///
/// Two writers may bring the same endpoints. Those that are stored are locked when they are looked up, and are seen as the
/// other writer has left them. One that the other writer stores after that is noticed, as it isn't new any more when its
/// turn comes; then the whole batch is done again.
struct StagedMerge {
    let connection: PostgresConnection
    let places: LayoutPlaces
    let isKeyedByRun: Bool
    /// Whether the store tells when an endpoint changed and which ones went: in `merge`.
    let tracksChanges: Bool
    /// The table that says which endpoints went.
    let removals: String
    /// Where the rows go: the tables themselves, or those in which a `replace` waits.
    let destination: (TableDefinition) -> String

    // MARK: The session's own tables

    /// Endpoints in the store that a batch touches: those of its users (`is_users`), and those that it brings
    /// (`is_written`), each with the place of the staged row that stands against it.
    static let touched = "pg_temp.sluice_touched"
    /// Keys of endpoints that the batch's users had for a while within the batch.
    static let outdated = "pg_temp.sluice_outdated"
    /// Keys of endpoints that filters have taken out of the input.
    static let tombstones = "pg_temp.sluice_tombstones"
    /// The column of staged endpoints that tells their row in the batch.
    static let batchRow = "batch_row"

    static func staging(_ definition: TableDefinition) -> String {
        "pg_temp.\(quoted("sluice_stage_\(definition.name)"))"
    }

    /// Keys of parts that the store has and the batch doesn't.
    static func gone(_ definition: TableDefinition) -> String {
        "pg_temp.\(quoted("sluice_gone_\(definition.name)"))"
    }

    /// Once a session; a commit empties them.
    static func creation(_ definitions: [TableDefinition]) -> String {
        // Without collations of their own: in a comparison the destination's collation then counts, and its index serves.
        func declarations(_ columns: [Column]) -> String {
            columns.map { PostgresTables.declaration($0, isKey: false) }.joined(separator: ", ")
        }
        var tables = definitions.map { definition in
            let row = definition.role == .endpoints ? [Column(batchRow, .integer)] : []
            return "\(staging(definition)) (\(declarations(definition.columns + row)))"
        }
        tables += definitions.filter { $0.role == .endpointParts }.map { definition in
            "\(gone(definition)) (\(declarations(keyColumns(of: definition))))"
        }
        let key = "application_id text, endpoint_id text"
        tables += [
            "\(touched) (\(key), is_users boolean, is_runs boolean, is_written boolean, staged_at tid, "
                + "\(batchRow) bigint, is_older boolean, is_same boolean, is_changed boolean, user_id text, reason text)",
            "\(outdated) (\(key))",
            "\(tombstones) (\(declarations(Tombstones.columns)))",
        ]
        return tables.map { "CREATE TEMPORARY TABLE \($0) ON COMMIT DELETE ROWS" }.joined(separator: "; ")
    }

    /// The columns of a part's key, the run's aside.
    static func keyColumns(of definition: TableDefinition) -> [Column] {
        definition.columns.filter { definition.key.contains($0.name) && $0.name != "run_id" }
    }

    /// Empties them within a transaction.
    static func emptying(_ definitions: [TableDefinition]) -> String {
        let parts = definitions.filter { $0.role == .endpointParts }
        return (definitions.map(staging) + parts.map(gone) + [touched, outdated, tombstones])
            .map { "DELETE FROM \($0)" }.joined(separator: "; ")
    }

    // MARK: Writing

    /// Deletes endpoints, or the parts of endpoints, that a table or a query gives.
    func delete(_ place: LayoutPlaces.Place, _ endpoints: String, runID: String) throws {
        try connection.execute(
            """
            DELETE FROM \(destination(place.definition)) AS d USING \(endpoints) AS t
            WHERE d.\(quoted(place.name(place.application))) = t.application_id
                AND d.\(quoted(place.name(place.id))) = t.endpoint_id\(ofRun("d", runID))
            """)
    }

    /// Deletes the parts whose keys are staged as gone.
    func deleteGone(_ place: LayoutPlaces.Place, runID: String) throws {
        let isSame = Self.keyColumns(of: place.definition).map { "d.\(quoted($0.name)) = t.\(quoted($0.name))" }
        try connection.execute(
            """
            DELETE FROM \(destination(place.definition)) AS d USING \(Self.gone(place.definition)) AS t
            WHERE \(isSame.joined(separator: " AND "))\(ofRun("d", runID))
            """)
    }

    /// Writes a table's staged rows, each in the place of one with its key.
    func upsert(_ place: LayoutPlaces.Place) throws {
        let names = place.definition.columns.map(\.name)
        let key = place.definition.key
        let updates = names.filter { !key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        try connection.execute(
            """
            INSERT INTO \(destination(place.definition)) (\(quoted(names)))
            SELECT \(quoted(names)) FROM \(Self.staging(place.definition))
            ON CONFLICT (\(quoted(key))) DO \(updates.isEmpty ? "NOTHING" : "UPDATE SET \(updates.joined(separator: ", "))")
            """)
    }

    /// The condition that a table's row is of the run, where each run has rows of its own.
    func ofRun(_ table: String, _ runID: String) -> String {
        isKeyedByRun ? " AND \(table).run_id = \(literal(runID))" : ""
    }
}
