internal import PipelineCore

/// One pipeline and shard's session with a database, over as many connections as it takes.
actor PostgresSinkSession: SinkSession {
    private let executor = BlockingExecutor(label: "postgres")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: PostgresSink
    private let context: SinkContext
    private var store: PostgresStore?
    private var isClosed = false
    /// Server processes of this session's connections so far.
    private var backends: Set<PostgresConnection.Backend> = []
    /// The run and the checkpoint as committed.
    private var run: RunRecord?
    private var checkpoint: Checkpoint?
    private var pending: Pending?
    /// Tables that were dropped under an unfinished run: a run that begins anew makes them again, none goes on without them.
    private var droppedTables: [String] = []

    /// What the open transaction changes, and what it takes to do it again.
    private struct Pending {
        enum Work {
            case batch(Batch)
            case completion(RunRecord)
        }

        var work: Work
        var next: Checkpoint
        /// The connection whose transaction it is.
        var connection: PostgresConnection
    }

    init(_ sink: PostgresSink, _ context: SinkContext) {
        self.sink = sink
        self.context = context
    }

    // MARK: Opening and closing

    /// Connects, takes the lock and creates what is missing.
    func connect() throws {
        try attempting("open the database", outageLimit: sink.firstContact, isOpening: true) { store in
            try Failpoint.reach("postgres.open.connected")
            droppedTables = try store.tables.droppedTables(in: store.connection, shard: context.shard)
            if droppedTables.isEmpty { try store.tables.create(in: store.connection) }
            let state = try store.ledger.state()
            if sink.mode.publishesAtEnd, let run = state.lastRun, run.state == .running || run.state == .unpublished {
                let publication = Publication(store.connection, store.tables)
                if state.checkpoint?.commitNumber == 0 {
                    // Nothing is lost with the tables of a try that has committed nothing, perhaps in another mode.
                    try store.connection.transaction { try publication.begin() }
                } else {
                    try publication.check(run: run.runID)
                }
            }
            run = state.lastRun
            checkpoint = state.checkpoint
        }
        try Failpoint.reach("postgres.open.ready")
    }

    func close() {
        isClosed = true
        pending = nil
        store?.connection.rollBack()
        store?.connection.close()
        store = nil
    }

    // MARK: Runs

    func state() throws -> SinkState {
        // The open transaction would see its own changes.
        if pending != nil { return SinkState(lastRun: run, checkpoint: checkpoint) }
        return try attempting("read its runs") { try $0.ledger.state() }
    }

    func run(withID runID: String) throws -> RunRecord? {
        if let run, pending != nil, run.runID == runID { return run }
        return try attempting("read its runs") { try $0.ledger.run(withID: runID) }
    }

    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        try requireNothingPrepared()
        guard let run else { return [] }
        return try attempting("read the failures of run \(run.runID)") { store in
            try store.writer.failures(ofRun: run.runID, shard: context.shard, from: ordinal, limit: limit)
        }
    }

    func abandonRun(_ runID: String) throws {
        try requireNothingPrepared()
        let isAbandoned = try attempting("give run \(runID) up") { store in
            guard let found = try store.ledger.run(withID: runID),
                found.state == .running || found.state == .unpublished
            else { return false }
            try store.connection.transaction {
                try store.ledger.update(.abandoned, finishedAt: Timestamp.now.text, ofRun: runID)
                if sink.mode.publishesAtEnd, run?.runID == runID {
                    try Publication(store.connection, store.tables).drop()
                }
                try Failpoint.reach("postgres.abandon-run.before-commit")
            }
            return true
        }
        try Failpoint.reach("postgres.abandon-run.after-commit")
        if run?.runID == runID, isAbandoned { run?.state = .abandoned }
    }

    func begin(_ record: RunRecord, fingerprint: String) throws -> Checkpoint {
        try requireNothingPrepared()
        var record = record
        record.state = .running
        record.finishedAt = nil
        record.counts = RunCounts()
        let start = Checkpoint(
            runID: record.runID, commitNumber: 0, progress: .start, counts: RunCounts(), fingerprint: fingerprint)
        try Failpoint.reach("postgres.begin.before-transaction")
        try attempting("begin run \(record.runID)") { store in
            if !droppedTables.isEmpty { try store.tables.create(in: store.connection) }
            try store.connection.transaction {
                let isShared = try store.ledger.otherShardsHave(record.runID)
                let isKnown = try store.ledger.run(withID: record.runID) != nil
                if isShared, sink.mode.keepsRunsApart, isKnown {
                    throw PipelineError(
                        .configuration,
                        "\(sink.target): run \(record.runID) can't be done again by one of its shards: "
                            + "its rows can't be told from those of the others",
                        hint: "Name another --logical-date, or delete the run's rows and its rows in sluice_runs.")
                }
                try store.writer.clear(run: record.runID, shard: context.shard, isShared: isShared, isKnown: isKnown)
                try Failpoint.reach("postgres.begin.after-deletes")
                if sink.mode.publishesAtEnd { try Publication(store.connection, store.tables).begin() }
                try store.ledger.write(record)
                try store.ledger.write(start)
                try Failpoint.reach("postgres.begin.before-commit")
            }
        }
        droppedTables = []
        run = record
        checkpoint = start
        try Failpoint.reach("postgres.begin.after-commit")
        return start
    }

    // MARK: Commits

    func prepare(_ batch: Batch) throws -> Checkpoint {
        try requireNothingPrepared()
        try checkTables()
        guard let run, let checkpoint, batch.commitNumber == checkpoint.commitNumber + 1 else {
            throw PipelineError(
                .software,
                "\(sink.target): commit \(batch.commitNumber) doesn't follow commit "
                    + "\(checkpoint.map { String($0.commitNumber) } ?? "(none)") of pipeline '\(context.pipeline)'")
        }
        try Failpoint.reach("postgres.prepare.before-transaction")
        let pending = try attempting("write a batch") { store in
            try write(batch, run, after: checkpoint, store)
        }
        self.pending = pending
        return pending.next
    }

    func prepareCompletion(state: RunState, finishedAt: String) throws -> Checkpoint {
        try requireNothingPrepared()
        try checkTables()
        guard var run, let checkpoint else {
            throw PipelineError(.software, "\(sink.target): no run of pipeline '\(context.pipeline)' can be completed")
        }
        run.state = state
        run.finishedAt = finishedAt
        try Failpoint.reach("postgres.complete.before-transaction")
        let isPublishing = state == .complete && sink.mode.publishesAtEnd
        let pending = try attempting(isPublishing ? "publish the run" : "end the run") { store in
            try complete(run, after: checkpoint, store)
        }
        self.pending = pending
        return pending.next
    }

    func commit() throws {
        guard !isClosed, let pending else {
            throw PipelineError(.software, "\(sink.target): nothing is prepared that could be committed")
        }
        self.pending = nil
        try Failpoint.reach("postgres.commit.before")
        // A COMMIT whose answer is lost has happened, or hasn't: the checkpoint tells. By then the server process that was
        // to do it is gone, or the lock would still be held.
        var isUnsettled = false
        try attempting("commit") { store in
            if isUnsettled || store.connection !== pending.connection {
                if try isCommitted(pending, store) { return }
                let again: Pending
                switch pending.work {
                case .batch(let batch):
                    guard let run, let checkpoint else { return }
                    again = try write(batch, run, after: checkpoint, store)
                case .completion(let run):
                    guard let checkpoint else { return }
                    again = try complete(run, after: checkpoint, store)
                }
                guard again.next == pending.next else {
                    throw PipelineError(
                        .unavailable,
                        "\(sink.target): the connection was lost before a commit, and meanwhile others changed the rows "
                            + "that it replaces",
                        hint: "Nothing of the batch is written. Run again: the run goes on behind its last commit.")
                }
            }
            isUnsettled = true
            try store.connection.commit()
            do { try Failpoint.reach("postgres.commit.lost-answer") } catch {
                store.connection.close()
                throw PostgresFailure(sqlState: nil, message: "failpoint", isDisconnected: true)
            }
        }
        checkpoint = pending.next
        switch pending.work {
        case .batch: run?.counts = pending.next.counts
        case .completion(let run): self.run = run
        }
        try Failpoint.reach("postgres.commit.after")
    }

    func abandon() {
        pending = nil
        store?.connection.rollBack()
    }

    /// Writes a batch in a transaction that stays open.
    private func write(
        _ batch: Batch, _ run: RunRecord, after checkpoint: Checkpoint, _ store: PostgresStore
    ) throws -> Pending {
        guard store.writer.fits(batch) else {
            throw PipelineError(
                .software, "batch \(batch.commitNumber) isn't of the layout that this sink was opened with")
        }
        try store.writer.prepareStaging()
        try store.connection.execute(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL enable_hashjoin = off; "
                + "SET LOCAL enable_mergejoin = off")
        try expect(checkpoint, store)
        // A `replace` that readers see is amended where it is.
        store.writer.isPublished = sink.mode.publishesAtEnd && run.state == .complete
        let (rest, superseded) = try store.writer.makeRoom(for: batch, runID: run.runID, shard: context.shard)
        var observed = try store.writer.write(rest, run: run, shard: context.shard)
        observed.superseded += superseded
        if !sink.mode.mergesWithEarlierRuns {
            // Only `merge` removes other runs' rows.
            observed.previousEndpoints = 0
            observed.removed = 0
        }
        try Failpoint.reach("postgres.prepare.after-rows")
        let next = checkpoint.advanced(by: batch, observed: observed)
        try store.ledger.write(next)
        try store.ledger.update(next.counts, ofRun: next.runID)
        try Failpoint.reach("postgres.prepare.after-checkpoint")
        return Pending(work: .batch(batch), next: next, connection: store.connection)
    }

    /// Writes a run's end in a transaction that stays open.
    private func complete(
        _ run: RunRecord, after checkpoint: Checkpoint, _ store: PostgresStore
    ) throws -> Pending {
        try store.connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        try expect(checkpoint, store)
        var observed = RunCounts()
        if run.state == .complete, sink.mode.publishesAtEnd {
            observed = try Publication(store.connection, store.tables).publish(
                pipeline: context.pipeline, runID: run.runID)
        }
        let next = checkpoint.completed(observed: observed)
        var run = run
        run.counts = next.counts
        try store.ledger.write(run)
        try store.ledger.write(next)
        try Failpoint.reach("postgres.complete.after-run")
        return Pending(work: .completion(run), next: next, connection: store.connection)
    }

    /// Locks the checkpoint, which must be the one that this session committed last.
    private func expect(_ checkpoint: Checkpoint, _ store: PostgresStore) throws {
        let found = try store.ledger.checkpoint(isLocking: true)
        guard found?.runID == checkpoint.runID, found?.commitNumber == checkpoint.commitNumber else {
            throw moved(found)
        }
    }

    /// Whether what was prepared is in the database.
    ///
    /// - Throws: `PipelineError` where neither it nor what was before is.
    private func isCommitted(_ pending: Pending, _ store: PostgresStore) throws -> Bool {
        let found = try store.ledger.checkpoint()
        let next = pending.next
        guard let found, found.runID == next.runID else { throw moved(found) }
        switch pending.work {
        case .batch:
            if found.commitNumber == next.commitNumber { return true }
            guard found.commitNumber == checkpoint?.commitNumber else { throw moved(found) }
            return false
        case .completion(let run):
            guard found.commitNumber == next.commitNumber else { throw moved(found) }
            let stored = try store.ledger.run(withID: run.runID)
            return stored?.state == run.state && stored?.finishedAt == run.finishedAt
        }
    }

    private func moved(_ found: Checkpoint?) -> PipelineError {
        PipelineError(
            .unavailable,
            "\(sink.target): the checkpoint of pipeline '\(context.pipeline)' is no longer where this run left it: "
                + (found.map { "it is at commit \($0.commitNumber) of run \($0.runID)" } ?? "there is none"),
            hint: "Somebody restored the database, or another run wrote to it. Run again to go on from what is there.")
    }

    // MARK: Connections

    /// Does something with a connection; where that is lost, connects again within the outage's limit and does it once more.
    ///
    /// - Parameter what: follows "cannot" in a message.
    /// - Throws: `CancellationError` where a cancelled task has waited for the server, or for a lock there, long enough.
    private func attempting<R>(
        _ what: String, outageLimit: Duration? = nil, isOpening: Bool = false, _ body: (PostgresStore) throws -> R
    ) throws -> R {
        guard !isClosed else { throw PipelineError(.software, "\(sink.target): the session is closed") }
        var outage: Outage?
        var conflicts = 0
        while true {
            do {
                return try body(connected(isOpening: isOpening))
            } catch let failure as PostgresFailure {
                if failure.isOutage {
                    disconnect()
                    // A server that says plainly that it never takes writes isn't waited for.
                    let isHopeless = isOpening && failure.sqlState == "25006"
                    if outage == nil { outage = Outage(limit: outageLimit ?? sink.outage) }
                    if !isHopeless, outage?.wait() == true { continue }
                    if !isHopeless { try Task.checkCancellation() }
                } else {
                    store?.connection.rollBack()
                    if failure.isConflict, conflicts < Self.mostConflicts {
                        conflicts += 1
                        Pause.sleep(.milliseconds(Int.random(in: 1...20 * conflicts)))
                        continue
                    }
                    if failure.isCancelled { try Task.checkCancellation() }
                }
                if isOpening, failure.sqlState == "25006" {
                    throw PipelineError(
                        .configuration, "\(sink.target): \(failure.message)",
                        hint: "Name the primary, or a database and role that may write.")
                }
                throw failure.pipelineError(target: sink.target, doing: what)
            } catch {
                store?.connection.rollBack()
                throw error
            }
        }
    }

    private static let mostConflicts = 10

    private func connected(isOpening: Bool) throws -> PostgresStore {
        if let store, store.connection.isOpen { return store }
        disconnect()
        let store = try PostgresStore(
            sink, context, own: &backends, patience: isOpening ? .seconds(3) : .seconds(1), isOpening: isOpening)
        self.store = store
        return store
    }

    private func disconnect() {
        store?.connection.close()
        store = nil
    }

    private func checkTables() throws {
        guard let first = droppedTables.first else { return }
        throw PipelineError(
            .configuration,
            "\(sink.target): table '\(first)' is gone, and with it what the unfinished run has committed there",
            hint: "Restore the database to resume the run, or run with --fresh to begin again.")
    }

    /// - Throws: where something is prepared, or the session is closed.
    private func requireNothingPrepared() throws {
        guard !isClosed else { throw PipelineError(.software, "\(sink.target): the session is closed") }
        guard pending == nil else {
            throw PipelineError(.software, "\(sink.target): a prepared batch is neither committed nor abandoned")
        }
    }
}
