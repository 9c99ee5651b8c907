internal import PipelineCore

/// What there is of one pipeline and shard once a database is open.
final class SQLiteStore {
    let connection: SQLiteConnection
    let tables: SQLiteTables
    let ledger: RunLedger
    /// In `replace`.
    let shadows: ShadowTables?
    private let conflict: ConflictPolicy
    private var writer: MergeWriter?
    /// The run and the checkpoint as committed.
    var run: RunRecord?
    var checkpoint: Checkpoint?
    var pending: Pending?

    /// What the open transaction changes.
    enum Pending {
        case batch(Checkpoint)
        case completion(RunRecord, Checkpoint)
    }

    /// The tables must exist.
    init(_ connection: SQLiteConnection, _ tables: SQLiteTables, shard: Int, conflict: ConflictPolicy) throws {
        self.connection = connection
        self.conflict = conflict
        self.tables = tables
        ledger = try RunLedger(connection, pipeline: tables.pipeline, shard: shard)
        shadows = tables.mode.publishesAtEnd ? ShadowTables(connection, tables) : nil
        let state = try ledger.state()
        run = state.lastRun
        checkpoint = state.checkpoint
    }

    /// What writes into the tables that batches go to; made when they are there for sure.
    func mergeWriter() throws -> MergeWriter {
        if let writer { return writer }
        if !isPublished { try requireShadows() }
        let made = try MergeWriter(connection, destinations, conflict: conflict)
        writer = made
        return made
    }

    /// The run's rows go elsewhere from now on: it begins, or it is published.
    func forgetWriter() { writer = nil }

    /// A `replace` whose rows readers see: they are amended where they are.
    private var isPublished: Bool { tables.mode.publishesAtEnd && run?.state == .complete }

    /// The tables that batches are written into.
    var destinations: [TableDefinition] { isPublished ? tables.definitions : tables.filled }

    /// - Throws: `PipelineError` of kind `.configuration` where the tables that a `replace` fills aside aren't there.
    func requireShadows() throws {
        guard let shadows, try !shadows.exist() else { return }
        throw PipelineError(
            .configuration,
            "\(connection.path): the tables that the run of pipeline '\(tables.pipeline)' fills aside (sluice_next_…) are "
                + "gone",
            hint: "Begin it anew with --fresh.")
    }

    /// How a run's content becomes what readers see; nil where it is that all along.
    func publication(ofRun runID: String) -> Publication? {
        tables.mode.publishesAtEnd ? Publication(connection: connection, tables: tables, runID: runID) : nil
    }
}

extension SQLiteTables {
    /// The tables that batches are written into.
    var filled: [TableDefinition] {
        mode.publishesAtEnd ? definitions.map { $0.role == .failures ? $0 : ShadowTables.shadow($0) } : definitions
    }
}
