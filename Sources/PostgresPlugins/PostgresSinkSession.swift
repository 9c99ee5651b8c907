internal import PipelineCore
internal import SQLStore

/// One pipeline and shard's session with a database, over as many connections as it takes.
actor PostgresSinkSession: SinkSession {
    private let executor = BlockingExecutor(label: "postgres")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let sink: PostgresSink
    let context: SinkContext
    var store: PostgresStore?
    private(set) var isClosed = false
    /// Server processes of this session's connections so far.
    var backends: Set<PostgresConnection.Backend> = []
    /// What is committed, and what the open transaction changes.
    var commits: CommitState
    /// What it takes to do the open transaction again.
    var prepared: PreparedWork?

    init(_ sink: PostgresSink, _ context: SinkContext) {
        self.sink = sink
        self.context = context
        commits = CommitState(place: sink.target, pipeline: context.pipeline)
    }

    // MARK: Opening and closing

    /// Connects, takes the lock and creates what is missing.
    func connect() throws {
        try attempting("open the database", outageLimit: sink.firstContact, isOpening: true) { store in
            try Failpoint.reach("postgres.open.connected")
            let catalog = try SchemaCatalog(schema: sink.schema, in: store.connection)
            commits.droppedTables = try store.ledger.droppedTables(of: store.tables.layout, existing: catalog.names)
            if commits.droppedTables.isEmpty { try store.tables.create(in: store.connection) }
            let found = try store.ledger.state()
            if sink.mode.publishesAtEnd, let run = found.lastRun, run.state == .running || run.state == .unpublished {
                let publication = Publication(store.connection, store.tables)
                if found.checkpoint?.commitNumber == 0 {
                    // Nothing is lost with the tables of a try that has committed nothing, perhaps in another mode.
                    try store.connection.transaction { try publication.begin() }
                } else {
                    try publication.check(run: run.runID)
                }
            }
            commits.load(found)
        }
        try Failpoint.reach("postgres.open.ready")
    }

    func close() {
        isClosed = true
        abandon()
        store?.connection.close()
        store = nil
    }

    /// Undoes what is prepared.
    func abandon() {
        commits.abandon()
        prepared = nil
        store?.connection.rollBack()
    }

    func requireOpen() throws {
        guard !isClosed else { throw PipelineError(.software, "\(sink.target): the session is closed") }
    }

    /// - Throws: where something is prepared, or the session is closed.
    private func requireNothingPrepared() throws {
        try requireOpen()
        try commits.requireNothingPrepared()
    }

    // MARK: Runs

    func state() throws -> SinkState {
        // The open transaction would see its own changes.
        if commits.prepared != nil { return commits.state }
        return try attempting("read its runs") { try $0.ledger.state() }
    }

    func run(withID runID: String) throws -> RunRecord? {
        if commits.prepared != nil, let run = commits.run, run.runID == runID { return run }
        return try attempting("read its runs") { try $0.ledger.run(withID: runID) }
    }

    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        try requireNothingPrepared()
        guard let run = commits.run else { return [] }
        return try attempting("read the failures of run \(run.runID)") { store in
            try store.failures?.records(ofRun: run.runID, from: ordinal, limit: limit) ?? []
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
                if sink.mode.publishesAtEnd, commits.run?.runID == runID {
                    try Publication(store.connection, store.tables).drop()
                }
                try Failpoint.reach("postgres.abandon-run.before-commit")
            }
            return true
        }
        try Failpoint.reach("postgres.abandon-run.after-commit")
        if isAbandoned { commits.abandonRun(runID) }
    }

    func begin(_ run: RunRecord, fingerprint: String) throws -> Checkpoint {
        try requireNothingPrepared()
        let start = CommitState.Commit(
            beginning: run, fingerprint: fingerprint, tracksChanges: sink.mode.mergesWithEarlierRuns)
        try Failpoint.reach("postgres.begin.before-transaction")
        try attempting("begin run \(run.runID)") { store in
            if !commits.droppedTables.isEmpty { try store.tables.create(in: store.connection) }
            try store.connection.transaction {
                try store.ledger.clear(run.runID, store.tables.layout) { step in
                    if case .givingBack = step { try Failpoint.reach("postgres.begin.after-give-back") }
                }
                try Failpoint.reach("postgres.begin.after-deletes")
                if sink.mode.publishesAtEnd { try Publication(store.connection, store.tables).begin() }
                try store.ledger.write(start.run)
                try store.ledger.write(start.checkpoint)
                try Failpoint.reach("postgres.begin.before-commit")
            }
        }
        commits.begin(start)
        try Failpoint.reach("postgres.begin.after-commit")
        return start.checkpoint
    }
}
