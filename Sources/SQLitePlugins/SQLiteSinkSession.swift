internal import LocalFiles
internal import PipelineCore
internal import SQLStore

/// One pipeline and shard's session with a database.
actor SQLiteSinkSession: SinkSession {
    private let executor = BlockingExecutor(label: "sqlite")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: SQLiteSink
    private let context: SinkContext
    private let warn: @Sendable (String) -> Void
    private var lock: RunLock?
    private var store: SQLiteStore?

    init(_ sink: SQLiteSink, _ context: SinkContext, warn: @escaping @Sendable (String) -> Void) {
        self.sink = sink
        self.context = context
        self.warn = warn
    }

    // MARK: Opening and closing

    /// Takes the lock, opens the database and creates what is missing.
    func connect() throws {
        let file = try DatabaseFile(sink.target)
        let lock = try RunLock(
            path: Self.lockPath(file.path, context.pipeline, shard: context.shard),
            subject: "pipeline '\(context.pipeline)' (shard \(context.shard)) at \(file.path)")
        self.lock = lock
        try Failpoint.reach("sqlite.open.locked")
        let connection = try SQLiteConnection(path: file.path)
        // Before SQLite has locks of its own there, and until its connection is closed.
        try lock.mark(file.path, as: "\(context.pipeline).\(context.shard)")
        connection.setBusyTimeout(sink.busyTimeout)
        let tables = SQLiteTables(layout: try StoreLayout(context, mode: sink.mode))
        // First, so that a database that is refused stays as it was.
        try tables.check(in: connection)
        try connection.configure()
        try Failpoint.reach("sqlite.open.configured")
        let droppedTables = try RunLedger(connection, pipeline: context.pipeline, shard: context.shard)
            .droppedTables(of: tables.layout, existing: SQLiteTables.existing(in: connection))
        if droppedTables.isEmpty { try tables.create(in: connection) }
        let store = try SQLiteStore(connection, tables, conflict: context.conflict, target: sink.target)
        store.commits.droppedTables = droppedTables
        // Nothing is lost with the tables of a try that has committed nothing; they may have gone with what it left.
        if let shadows = store.shadows, store.commits.run?.state == .running,
            store.commits.checkpoint?.commitNumber == 0, try !shadows.exist()
        {
            try connection.transaction { try shadows.create() }
        }
        self.store = store
    }

    /// The file whose lock a pipeline's shard holds while it writes.
    static func lockPath(_ database: String, _ pipeline: String, shard: Int) -> String {
        "\(database).\(pipeline).\(shard).lock"
    }

    func close() {
        if let store {
            store.connection.rollBack()
            if store.commits.run?.state != .running { settle(store.connection) }
            store.connection.close()
        }
        store = nil
        lock?.release()
        lock = nil
    }

    /// Makes the database one file again. It is complete without that, so nothing here ends a run.
    private func settle(_ connection: SQLiteConnection) {
        do {
            try connection.becomeOneFile()
        } catch let error as PipelineError where error.kind == .temporary {
            // Somebody reads or writes the database at this moment; the last one to close it does the rest.
        } catch {
            warn("\(sink.name): the run is safe, but its write-ahead log could not be folded in: \(error)")
        }
    }

    /// Undoes what is prepared.
    func abandon() {
        store?.connection.rollBack()
        store?.commits.abandon()
    }

    func opened() throws -> SQLiteStore {
        guard let store else { throw PipelineError(.software, "\(sink.target): the session is closed") }
        return store
    }

    // MARK: Runs

    func state() throws -> SinkState { try opened().ledger.state() }

    func run(withID runID: String) throws -> RunRecord? { try opened().ledger.run(withID: runID) }

    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        let store = try opened()
        try store.commits.requireNothingPrepared()
        guard let run = store.commits.run else { return [] }
        return try store.failures?.records(ofRun: run.runID, from: ordinal, limit: limit) ?? []
    }

    func abandonRun(_ runID: String) throws {
        let store = try opened()
        try store.commits.requireNothingPrepared()
        guard let run = try store.ledger.run(withID: runID), run.state == .running || run.state == .unpublished else {
            return
        }
        try store.connection.transaction {
            try store.ledger.update(.abandoned, finishedAt: Timestamp.now.text, ofRun: runID)
            if store.commits.run?.runID == runID {
                try store.shadows?.drop()
                try Failpoint.reach("sqlite.abandon-run.after-drop")
            }
            try Failpoint.reach("sqlite.abandon-run.before-commit")
        }
        store.commits.abandonRun(runID)
    }

    func begin(_ run: RunRecord, fingerprint: String) throws -> Checkpoint {
        let store = try opened()
        try store.commits.requireNothingPrepared()
        let start = CommitState.Commit(
            beginning: run, fingerprint: fingerprint,
            tracksChanges: store.tables.layout.mode.mergesWithEarlierRuns)
        if !store.commits.droppedTables.isEmpty { try store.tables.create(in: store.connection) }
        try Failpoint.reach("sqlite.begin.before-transaction")
        try store.connection.transaction {
            try store.ledger.clear(run.runID, store.tables.layout) { step in
                switch step {
                case .deletion: try Failpoint.reach("sqlite.begin.after-delete")
                case .givingBack: try Failpoint.reach("sqlite.begin.after-give-back")
                }
            }
            try store.shadows?.create()
            try Failpoint.reach("sqlite.begin.after-tables")
            try store.ledger.write(start.run)
            try Failpoint.reach("sqlite.begin.after-run")
            try store.ledger.write(start.checkpoint)
            try Failpoint.reach("sqlite.begin.before-commit")
        }
        store.commits.begin(start)
        store.forgetWriter()
        try Failpoint.reach("sqlite.begin.after-commit")
        return start.checkpoint
    }
}
