internal import CSQLite
internal import LocalFiles
internal import PipelineCore

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
    /// The tables that are there, with their columns.
    private var columns: [String: Set<String>] = [:]
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
            throw Self.unopened(sink.target, code)
        }
        if status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 { return }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PipelineError(.noInput, "\(sink.target) is no file", hint: "Name a database file.")
        }
        heldAtFirst = heldLocks(path)
        isSettled = try !Self.hasLog(path) && Self.wantsLog(path)
        let connection = try SQLiteConnection(reading: path, isSettled: isSettled)
        self.connection = connection
        connection.setBusyTimeout(.seconds(2))
        try connection.execute("PRAGMA query_only = ON; PRAGMA cache_size = -16384; BEGIN")
        for row in try connection.query(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'")
        {
            if let table = row[0], let column = row[1] { columns[table, default: []].insert(column) }
        }
    }

    func close() {
        scan = nil
        connection?.close()
        connection = nil
    }

    private static func hasLog(_ path: String) -> Bool { access("\(path)-wal", F_OK) == 0 }

    /// Whether the file is one with a write-ahead log: its 19th and 20th byte say which version may write and read it
    /// (sqlite.org/fileformat2.html, 1.3.3).
    private static func wantsLog(_ path: String) throws -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unopened(path, errno) }
        defer { _ = Self.closeDescriptor(descriptor) }
        var header = [UInt8](repeating: 0, count: 20)
        let count = header.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else {
            throw PipelineError(
                .ioError, "cannot read \(path): \(SystemFailure.text(errno))",
                hint: "Check the disk and its mount, then look again.")
        }
        return count == 20 && header[18] == 2 && header[19] == 2
    }

    private static func unopened(_ path: String, _ code: Int32) -> PipelineError {
        PipelineError(
            .noInput, "cannot open \(path): \(SystemFailure.text(code))",
            hint: "Check that the user who runs this may read the file.")
    }

    private static func closeDescriptor(_ descriptor: Int32) -> Int32 {
        #if canImport(Glibc)
        Glibc.close(descriptor)
        #else
        Darwin.close(descriptor)
        #endif
    }

    /// - Throws: `PipelineError` of kind `.temporary` where somebody began to write what was taken for settled.
    private func checkSettled(_ connection: SQLiteConnection) throws {
        guard isSettled, Self.hasLog(connection.path) else { return }
        throw PipelineError(
            .temporary, "a run began to write to \(connection.path) while it was looked at", hint: "Look again.")
    }

    // MARK: Runs

    func runs() throws -> StoredRuns {
        var result = StoredRuns(isKeyed: true)
        guard let connection, columns[RunLedger.runs.name] != nil else { return result }
        let progress = try progress(connection)
        result.runs = try connection.query(
            """
            SELECT shard, run_id, state, logical_date, started_at, finished_at, counts, version FROM sluice_runs
            WHERE pipeline = ?1 ORDER BY started_at, run_id, shard
            """, context.pipeline
        ).map { row in
            let (shard, runID) = (Int(row[0] ?? "") ?? 0, row[1] ?? "")
            guard let state = RunState(rawValue: row[2] ?? "") else {
                throw unreadable("run \(runID) has the state '\(PrintableText.of(row[2] ?? ""))'")
            }
            let counts = try decoded("the counts of run \(runID)") { try RunCounts(json: row[6] ?? "") }
            let record = RunRecord(
                runID: runID, state: state, logicalDate: row[3] ?? "", startedAt: row[4] ?? "", finishedAt: row[5],
                counts: counts, version: row[7] ?? "")
            let own = progress[shard].flatMap { $0.runID == runID ? $0.progress : nil }
            return StoredRun(
                shard: shard, record: record, progress: own, isUnderWay: isUnderWay(path: connection.path, shard))
        }
        result.neighbours = try connection.query(
            "SELECT DISTINCT pipeline FROM sluice_runs WHERE pipeline <> ?1 ORDER BY pipeline", context.pipeline
        ).compactMap { $0[0] }
        try checkSettled(connection)
        return result
    }

    /// Whether the shard's lock was held when the transaction began, or is held now: what was read is of in between.
    private func isUnderWay(path: String, _ shard: Int) -> Bool? {
        let lock = SQLiteSinkSession.lockPath(path, context.pipeline, shard: shard)
        return heldAtFirst.contains(lock) ? true : RunLock.isHeld(path: lock)
    }

    /// So many shards are asked for by number, where no file names them.
    private static let mostShards = 256

    /// The locks of this pipeline's shards that are held, by the names of their files.
    private func heldLocks(_ path: String) -> Set<String> {
        // Somebody may have deleted a lock file; its holder has marked the database itself.
        let names = (0..<Self.mostShards).map { "\(context.pipeline).\($0)" }
        var held = Set(RunLock.marked(path, of: names).map { "\(path).\($0).lock" })
        guard let slash = path.lastIndex(of: "/"), let folder = opendir(String(path[...slash])) else { return held }
        defer { closedir(folder) }
        let start = "\(path[path.index(after: slash)...]).\(context.pipeline)."
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(start), name.hasSuffix(".lock") else { continue }
            let lock = "\(path[...slash])\(name)"
            if RunLock.isHeld(path: lock) == true { held.insert(lock) }
        }
        return held
    }

    private func progress(
        _ connection: SQLiteConnection
    ) throws -> [Int: (runID: String, progress: StoredProgress)] {
        guard columns[RunLedger.checkpoints.name] != nil else { return [:] }
        var result: [Int: (runID: String, progress: StoredProgress)] = [:]
        for row in try connection.query(
            """
            SELECT shard, run_id, commit_number, next_ordinal, input_ended, parked FROM sluice_checkpoints
            WHERE pipeline = ?1
            """, context.pipeline)
        {
            guard let shard = row[0].flatMap({ Int($0) }), let commit = row[2].flatMap({ Int($0) }),
                let next = row[3].flatMap({ Int($0) })
            else { throw unreadable("its checkpoint") }
            let parked = try decoded("the parked users of its checkpoint") { try [ParkedRecord](json: row[5] ?? "") }
            result[shard] = (
                row[1] ?? "",
                StoredProgress(
                    commitNumber: commit, nextOrdinal: next, inputEnded: row[4] != "0", parked: parked.count)
            )
        }
        return result
    }

    private func decoded<Value>(_ what: String, _ decode: () throws -> Value) throws -> Value {
        do { return try decode() } catch { throw unreadable("\(what): \(error)") }
    }

    private func unreadable(_ what: String) -> PipelineError {
        PipelineError(
            .configuration, "\(sink.target): the state of pipeline '\(context.pipeline)' can't be read: \(what)",
            hint: "It was written by another version or changed by hand.")
    }

    // MARK: Rows

    func account(ofRun runID: String) -> StoreAccount {
        var account = StoreAccount()
        for table in context.tables {
            guard let there = columns[table.name] else {
                account.faults.append("table '\(table.name)' is gone")
                continue
            }
            for column in table.columns where !there.contains(column.name) {
                account.faults.append("table '\(table.name)' lacks the column '\(column.name)'")
            }
        }
        return account
    }

    func read(_ table: TableDefinition, ofRun runID: String) throws {
        scan = nil
        guard let connection, let sql = statement(table) else { return }
        let statement = try connection.prepare(sql)
        if table.selectsByRun(in: sink.mode) { try statement.bind(1, runID) }
        scan = Scan(statement: statement, table: table)
    }

    /// The rows of a run; nil where there can be none.
    private func statement(_ table: TableDefinition) -> String? {
        guard let there = columns[table.name] else { return nil }
        let selection = table.columns.map { there.contains($0.name) ? "t.\(quoted($0.name))" : "NULL" }
            .joined(separator: ", ")
        let from = "SELECT \(selection) FROM \(quoted(table.name)) AS t"
        guard table.selectsByRun(in: sink.mode) else { return from }
        guard table.role == .endpointParts, !table.isKeyedByRun else {
            return there.contains("run_id") ? "\(from) WHERE t.run_id = ?1" : nil
        }
        guard let owner = context.tables.first(where: { $0.role == .endpoints }),
            let ownerColumns = columns[owner.name], ownerColumns.contains("run_id")
        else { return nil }
        let keys = owner.key.filter { $0 != "run_id" }
        guard keys.allSatisfy({ there.contains($0) && ownerColumns.contains($0) }) else { return nil }
        let join = keys.map { "t.\(quoted($0)) = e.\(quoted($0))" }.joined(separator: " AND ")
        // The cross join keeps SQLite from going through all parts of all runs.
        return "SELECT \(selection) FROM \(quoted(owner.name)) AS e CROSS JOIN \(quoted(table.name)) AS t ON \(join) "
            + "WHERE e.run_id = ?1"
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
