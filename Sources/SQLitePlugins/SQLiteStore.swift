internal import PipelineCore
internal import SQLStore

/// What there is of one pipeline and shard once a database is open.
final class SQLiteStore {
    let connection: SQLiteConnection
    /// The database as the configuration names it, for messages.
    private let target: String
    let tables: SQLiteTables
    let ledger: RunLedger
    let failures: StoredFailures?
    /// In `replace`.
    let shadows: ShadowTables?
    private let conflict: ConflictPolicy
    private var writer: MergeWriter?
    /// What is committed, and what the open transaction changes.
    var commits: CommitState

    /// The tables must exist.
    init(_ connection: SQLiteConnection, _ tables: SQLiteTables, conflict: ConflictPolicy, target: String) throws {
        self.connection = connection
        self.target = target
        self.conflict = conflict
        self.tables = tables
        let layout = tables.layout
        ledger = RunLedger(connection, pipeline: layout.pipeline, shard: layout.shard)
        failures = StoredFailures(connection, layout)
        shadows = layout.mode.publishesAtEnd ? ShadowTables(connection, tables) : nil
        commits = CommitState(place: target, pipeline: layout.pipeline, try ledger.state())
    }

    /// What writes into the tables that batches go to; made when they are there for sure.
    func mergeWriter() throws -> MergeWriter {
        if let writer { return writer }
        if !isPublished { try requireShadows() }
        let made = try MergeWriter(
            connection, destinations, conflict: conflict, tracksChanges: tables.layout.mode.mergesWithEarlierRuns)
        writer = made
        return made
    }

    /// The run's rows go elsewhere from now on: it begins, or it is published.
    func forgetWriter() { writer = nil }

    /// A `replace` whose rows readers see: they are amended where they are.
    private var isPublished: Bool { shadows != nil && commits.run?.state.isPublished == true }

    /// The tables that batches are written into.
    var destinations: [TableDefinition] {
        let definitions = tables.layout.definitions
        if shadows == nil || isPublished { return definitions }
        return definitions.map { $0.role == .failures ? $0 : StoreLayout.shadow(of: $0) }
    }

    /// - Throws: `PipelineError` of kind `.configuration` where the tables that a `replace` fills aside aren't there.
    func requireShadows() throws {
        guard let shadows, try !shadows.exist() else { return }
        throw PipelineError(
            .configuration,
            "\(connection.path): the tables that the run of pipeline '\(ledger.pipeline)' fills aside (sluice_next_…) are "
                + "gone",
            hint: "Begin it anew with --fresh.")
    }

    /// How a run's content becomes what readers see; nil where it is that all along.
    func publication(ofRun runID: String) -> Publication? {
        shadows == nil ? nil : Publication(connection: connection, tables: tables, runID: runID)
    }

    /// - Throws: `PipelineError` of kind `.temporary` where another process has committed since: what this one would write
    ///   doesn't follow it.
    func requireOwnCheckpoint(_ own: CommitState.Commit) throws {
        if own.isAt(try ledger.checkpoint()) { return }
        throw PipelineError(
            .temporary, "\(target): another run of pipeline '\(ledger.pipeline)' has written there meanwhile",
            hint: "Run again: the run goes on behind what is committed.")
    }
}
