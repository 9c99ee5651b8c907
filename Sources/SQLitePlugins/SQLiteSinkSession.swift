internal import LocalFiles
internal import PipelineCore

/// One pipeline and shard's session with a database.
actor SQLiteSinkSession: SinkSession {
    private let executor = BlockingExecutor(label: "sqlite")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: SQLiteSink
    private let context: SinkContext
    private let warn: @Sendable (String) -> Void
    private var lock: RunLock?
    /// Tables that were dropped under an unfinished run: a run that begins anew makes them again, none goes on without them.
    private var droppedTables: [String] = []
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
        let tables = try SQLiteTables(context, mode: sink.mode)
        // First, so that a database that is refused stays as it was.
        try tables.check(in: connection)
        try connection.configure()
        try Failpoint.reach("sqlite.open.configured")
        droppedTables = try tables.droppedTables(in: connection, shard: context.shard)
        if droppedTables.isEmpty { try tables.create(in: connection) }
        let store = try SQLiteStore(connection, tables, shard: context.shard, conflict: context.conflict)
        // Nothing is lost with the tables of a try that has committed nothing; they may have gone with what it left.
        if let shadows = store.shadows, store.run?.state == .running, store.checkpoint?.commitNumber == 0,
            try !shadows.exist()
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
            if store.run?.state != .running { settle(store.connection) }
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

    // MARK: Runs

    func state() throws -> SinkState { try opened().ledger.state() }

    func run(withID runID: String) throws -> RunRecord? { try opened().ledger.run(withID: runID) }

    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        let store = try requireNothingPrepared()
        guard let run = store.run else { return [] }
        return try store.failures(ofRun: run.runID, from: ordinal, limit: limit)
    }

    func abandonRun(_ runID: String) throws {
        let store = try requireNothingPrepared()
        guard let run = try store.ledger.run(withID: runID), run.state == .running || run.state == .unpublished else {
            return
        }
        try store.connection.transaction {
            try store.ledger.update(.abandoned, finishedAt: Timestamp.now.text, ofRun: runID)
            if store.run?.runID == runID {
                try store.shadows?.drop()
                try Failpoint.reach("sqlite.abandon-run.after-drop")
            }
            try Failpoint.reach("sqlite.abandon-run.before-commit")
        }
        if store.run?.runID == runID { store.run?.state = .abandoned }
    }

    func begin(_ run: RunRecord, fingerprint: String) throws -> Checkpoint {
        let store = try requireNothingPrepared()
        var run = run
        run.state = .running
        run.finishedAt = nil
        run.counts = RunCounts()
        let checkpoint = Checkpoint(
            runID: run.runID, commitNumber: 0, progress: .start, counts: run.counts, fingerprint: fingerprint)
        if !droppedTables.isEmpty { try store.tables.create(in: store.connection) }
        droppedTables = []
        try Failpoint.reach("sqlite.begin.before-transaction")
        try store.connection.transaction {
            try store.tables.removeRows(ofRun: run.runID, ledger: store.ledger, in: store.connection)
            try store.shadows?.create()
            try Failpoint.reach("sqlite.begin.after-tables")
            try store.ledger.write(run)
            try Failpoint.reach("sqlite.begin.after-run")
            try store.ledger.write(checkpoint)
            try Failpoint.reach("sqlite.begin.before-commit")
        }
        store.run = run
        store.checkpoint = checkpoint
        store.forgetWriter()
        try Failpoint.reach("sqlite.begin.after-commit")
        return checkpoint
    }

    // MARK: Commits

    func prepare(_ batch: Batch) throws -> Checkpoint {
        let store = try requireNothingPrepared()
        try checkTables()
        try Failpoint.reach("sqlite.prepare.before-transaction")
        do {
            return try prepare(batch) { batch, writer, runID in try writer.write(batch, runID: runID) }
        } catch is ConstraintViolation {
            // Savepoints cost, so they are for those who need them.
            return try store.connection.describingViolations {
                try prepare(batch) { batch, writer, runID in
                    let observed = try RecordRefusals(writer, store.connection, runID: runID).write(
                        batch, store.tables.definitions, runID: runID, shard: context.shard)
                    try Failpoint.reach("sqlite.prepare.after-refusals")
                    return observed
                }
            }
        }
    }

    private func prepare(
        _ batch: Batch, _ write: (Batch, MergeWriter, String) throws -> RunCounts
    ) throws -> Checkpoint {
        let store = try opened()
        return try inTransaction {
            try requireOwnCheckpoint(store)
            guard let checkpoint = try store.ledger.checkpoint(), batch.commitNumber == checkpoint.commitNumber + 1
            else {
                throw PipelineError(
                    .software,
                    "\(sink.target): commit \(batch.commitNumber) doesn't follow commit "
                        + "\(store.checkpoint.map { String($0.commitNumber) } ?? "(none)") of pipeline '\(context.pipeline)'"
                )
            }
            let (rest, superseded) = try store.makeRoom(for: batch, runID: checkpoint.runID)
            var observed = try write(rest, try store.mergeWriter(), checkpoint.runID)
            observed.superseded += superseded
            try Failpoint.reach("sqlite.prepare.after-rows")
            let next = checkpoint.advanced(by: batch, observed: observed)
            try store.ledger.write(next)
            try store.ledger.update(next.counts, ofRun: next.runID)
            try Failpoint.reach("sqlite.prepare.after-checkpoint")
            store.pending = .batch(next)
            return next
        }
    }

    func prepareCompletion(state: RunState, finishedAt: String) throws -> Checkpoint {
        let store = try requireNothingPrepared()
        try checkTables()
        guard var run = store.run, var checkpoint = store.checkpoint else {
            throw PipelineError(.software, "\(sink.target): no run of pipeline '\(context.pipeline)' can be completed")
        }
        run.state = state
        run.finishedAt = finishedAt
        try Failpoint.reach("sqlite.complete.before-transaction")
        let publication = state == .complete ? store.publication(ofRun: run.runID) : nil
        try publication?.makeReady()
        return try store.connection.describingViolations {
            try inTransaction {
                try requireOwnCheckpoint(store)
                if let publication {
                    try store.requireShadows()
                    checkpoint = checkpoint.completed(observed: try publication.observe())
                    try Failpoint.reach("sqlite.publish.after-count")
                    try publication.swap()
                    try store.ledger.write(checkpoint)
                    try Failpoint.reach("sqlite.publish.after-checkpoint")
                }
                run.counts = checkpoint.counts
                try store.ledger.write(run)
                try Failpoint.reach("sqlite.complete.after-run")
                store.pending = .completion(run, checkpoint)
                return checkpoint
            }
        }
    }

    func commit() throws {
        let store = try opened()
        guard let pending = store.pending else {
            throw PipelineError(.software, "\(sink.target): nothing is prepared that could be committed")
        }
        store.pending = nil
        do {
            try Failpoint.reach("sqlite.commit.before")
            try store.connection.checkPresence()
            try store.connection.execute("COMMIT")
        } catch {
            store.connection.rollBack()
            throw error
        }
        switch pending {
        case .batch(let checkpoint):
            store.checkpoint = checkpoint
            store.run?.counts = checkpoint.counts
        case .completion(let run, let checkpoint):
            store.checkpoint = checkpoint
            store.run = run
            store.forgetWriter()
        }
        try Failpoint.reach("sqlite.commit.after")
    }

    func abandon() {
        store?.connection.rollBack()
        store?.pending = nil
    }

    /// Begins a transaction that stays open; an error undoes it.
    private func inTransaction<R>(_ body: () throws -> R) throws -> R {
        let connection = try opened().connection
        do {
            return try connection.openTransaction {
                try connection.checkPresence()
                return try body()
            }
        } catch {
            store?.pending = nil
            throw error
        }
    }

    private func opened() throws -> SQLiteStore {
        guard let store else { throw PipelineError(.software, "\(sink.target): the session is closed") }
        return store
    }

    /// The store while nothing is prepared.
    private func requireNothingPrepared() throws -> SQLiteStore {
        let store = try opened()
        guard store.pending == nil else {
            throw PipelineError(.software, "\(sink.target): a prepared batch is neither committed nor abandoned")
        }
        return store
    }

    /// - Throws: `PipelineError` of kind `.temporary` where another process has committed since: what this one would write
    ///   doesn't follow it.
    private func requireOwnCheckpoint(_ store: SQLiteStore) throws {
        let (held, own) = (try store.ledger.checkpoint(), store.checkpoint)
        guard held?.runID != own?.runID || held?.commitNumber != own?.commitNumber else { return }
        throw PipelineError(
            .temporary, "\(sink.target): another run of pipeline '\(context.pipeline)' has written there meanwhile",
            hint: "Run again: the run goes on behind what is committed.")
    }

    private func checkTables() throws {
        guard let first = droppedTables.first else { return }
        throw PipelineError(
            .configuration,
            "\(sink.target): table '\(first)' is gone, and with it what the unfinished run has committed there",
            hint: "Restore the database to resume the run, or run with --fresh to begin again.")
    }
}
