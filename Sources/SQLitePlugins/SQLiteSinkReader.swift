internal import LocalFiles
internal import PipelineCore
internal import SQLStore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Looks at a pipeline's rows and runs in a database, in one read transaction.
///
/// Nothing is made beside the file: a write-ahead log that nobody has open holds nothing, and is passed over.
actor SQLiteSinkReader: ChangeReader {
    private let executor = BlockingExecutor(label: "sqlite.reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: SQLiteSink
    private let context: SinkReadingContext
    /// Nil where there is no file yet.
    private var connection: SQLiteConnection?
    /// Its log was passed over, which is right for as long as nobody begins to write.
    private var isSettled = false
    /// Locks that were held before anything was read.
    private var heldAtFirst: Set<String> = []
    /// What the database holds; nil where there is no file yet.
    private var content: StoredContent?
    private var scan: SQLiteRows?
    private var feed: ChangeFeed?

    init(_ sink: SQLiteSink, _ context: SinkReadingContext) {
        self.sink = sink
        self.context = context
    }

    func connect() throws {
        guard let path = try Folder.existing(sink.target) else { return }
        var status = stat()
        guard stat(path, &status) == 0 else {
            // Only what isn't there has no runs yet.
            let code = errno
            if code == ENOENT || code == ENOTDIR { return }
            throw WriteAheadLog.unopened(sink.target, code)
        }
        if status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 { return }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PipelineError(.noInput, "\(sink.target) is no file", hint: "Name a database file.")
        }
        heldAtFirst = DatabaseLocks.held(path, context.pipeline)
        isSettled = try !WriteAheadLog.exists(path) && WriteAheadLog.isWanted(path)
        let connection = try SQLiteConnection(reading: path, isSettled: isSettled)
        self.connection = connection
        connection.setBusyTimeout(.seconds(2))
        try connection.execute("PRAGMA query_only = ON; PRAGMA cache_size = -16384; BEGIN")
        var columns: [String: Set<String>] = [:]
        for row in try connection.query(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'")
        {
            if let table = row[0], let column = row[1] { columns[table, default: []].insert(column) }
        }
        content = StoredContent(connection, context, mode: sink.mode, columns: columns)
    }

    func close() {
        scan = nil
        feed = nil
        connection?.close()
        connection = nil
    }

    /// - Throws: `PipelineError` of kind `.temporary` where somebody began to write what was taken for settled.
    private func checkSettled(_ connection: SQLiteConnection) throws {
        guard isSettled, WriteAheadLog.exists(connection.path) else { return }
        throw PipelineError(
            .temporary, "a run began to write to \(connection.path) while it was looked at", hint: "Look again.")
    }

    // MARK: Runs

    func runs() throws -> StoredRuns {
        guard let connection, let content else { return StoredRuns(isKeyed: true) }
        let result = try content.runs { isUnderWay(path: connection.path, $0) }
        try checkSettled(connection)
        return result
    }

    /// Whether the shard's lock was held when the transaction began, or is held now: what was read is of in between.
    private func isUnderWay(path: String, _ shard: Int) -> Bool? {
        let lock = SQLiteSinkSession.lockPath(path, context.pipeline, shard: shard)
        return heldAtFirst.contains(lock) ? true : RunLock.isHeld(path: lock)
    }

    // MARK: Rows

    func account(ofRun runID: String) -> StoreAccount {
        content?.account() ?? StoreAccount(faults: context.tables.map { "table '\($0.name)' is gone" })
    }

    func read(_ table: TableDefinition, ofRun runID: String) throws {
        scan = nil
        // The cross join keeps SQLite from going through all parts of all runs.
        guard let connection,
            let sql = content?.selection(
                from: table, ofRun: runID, join: "CROSS JOIN", value: { "t.\(quoted($0.name))" })
        else { return }
        scan = SQLiteRows(try connection.prepare(sql), of: table)
    }

    func nextRows() throws -> RowBuffer? {
        guard let connection, scan != nil else { return nil }
        let rows = try scan?.nextRows()
        if rows == nil { scan = nil }
        try checkSettled(connection)
        return rows
    }

    // MARK: Changes

    func removals(in window: ChangeWindow) throws -> [StoredRemovals] { try content?.removals(in: window) ?? [] }

    func undatedEndpoints() throws -> Int { try content?.undatedEndpoints() ?? 0 }

    func readChanges(in window: ChangeWindow) throws -> [TableDefinition] {
        feed = nil
        guard let connection, let content else { return [] }
        // Each table's rows are sorted, on disk beyond what the cache may have; five sorts go on at the same time.
        try connection.execute("PRAGMA cache_size = -4096")
        // The cross join reads endpoints once, and looks up the parts of those that have changed.
        let queries = content.changeQueries(
            in: window, join: "CROSS JOIN", bytewise: { "\($0) COLLATE BINARY" }, value: { "t.\(quoted($1.name))" })
        feed = try ChangeFeed(queries) { SQLiteRows(try connection.prepare($1), of: $0.table) }
        return queries.map(\.table)
    }

    func nextChanges() throws -> [StoredChange] {
        guard let connection, let changes = try feed?.next() else { return [] }
        try checkSettled(connection)
        return changes
    }
}
