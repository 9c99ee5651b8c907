internal import PipelineCore

/// What there is of one pipeline and shard once a database is open.
struct SQLiteStore {
    let connection: SQLiteConnection
    let tables: SQLiteTables
    let ledger: RunLedger
    /// In `replace`.
    let shadows: ShadowTables?
    /// Nil until the first batch.
    var writer: MergeWriter?
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
    init(_ connection: SQLiteConnection, _ tables: SQLiteTables, shard: Int) throws {
        self.connection = connection
        self.tables = tables
        ledger = try RunLedger(connection, pipeline: tables.pipeline, shard: shard)
        shadows = tables.mode == .replace ? ShadowTables(connection, tables) : nil
        let state = try ledger.state()
        run = state.lastRun
        checkpoint = state.checkpoint
    }

    /// How a run's content becomes what readers see; nil where it is that all along.
    func publication(ofRun runID: String) -> Publication? {
        tables.mode == .replace ? Publication(connection: connection, tables: tables, runID: runID) : nil
    }
}

extension SQLiteTables {
    /// The tables that batches are written into.
    var filled: [TableDefinition] {
        mode == .replace ? definitions.map { $0.role == .failures ? $0 : ShadowTables.shadow($0) } : definitions
    }
}

extension RunCounts {
    /// Adds what the store itself has counted.
    mutating func add(_ observed: SinkObservations) {
        previousEndpoints += observed.previousEndpoints
        removed += observed.removed
        superseded += observed.superseded
    }
}
