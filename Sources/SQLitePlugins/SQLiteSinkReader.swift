internal import CSQLite
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
actor SQLiteSinkReader: SinkReader {
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
    private var scan: Scan?

    private struct Scan {
        var statement: SQLiteStatement
        var table: TableDefinition
    }

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
        scan = Scan(statement: try connection.prepare(sql), table: table)
    }

    func nextRows() throws -> RowBuffer? {
        guard let connection, let scan else { return nil }
        var builder = RowBuilder(columnCount: scan.table.columns.count)
        while builder.rowCount < 1024, builder.memory < 1 << 20 {
            guard try scan.statement.step() else {
                scan.statement.reset()
                self.scan = nil
                try checkSettled(connection)
                break
            }
            for (index, column) in scan.table.columns.enumerated() {
                builder.append(Self.cell(scan.statement, index, column.type, &builder))
            }
        }
        return builder.rowCount == 0 ? nil : builder.finish()
    }

    private static func cell(
        _ row: SQLiteStatement, _ index: Int, _ type: ColumnType, _ builder: inout RowBuilder
    ) -> Cell {
        switch row.type(index) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(Int64(row.integer(index)))
        case SQLITE_FLOAT: return Cell(kind: .real, bits: row.double(index).bitPattern, length: 0)
        default: return builder.store(type.textKind, row.bytes(index))
        }
    }
}
