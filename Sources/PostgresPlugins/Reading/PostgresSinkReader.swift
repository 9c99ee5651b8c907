internal import CPostgres
internal import PipelineCore
internal import SQLStore

/// Looks at a pipeline's rows and runs in a schema, in one read-only transaction with one snapshot; a standby will do.
actor PostgresSinkReader: ChangeReader {
    private let executor = BlockingExecutor(label: "postgres.reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: PostgresSink
    private let context: SinkReadingContext
    private var connection: PostgresConnection?
    /// What the schema holds.
    private var relations: [String: SchemaCatalog.Relation] = [:]
    private var content: StoredContent?
    /// The locks that were held before anything was read; nil where the server, a standby, can't know.
    private var heldAtFirst: Set<Int32>?
    private var scan: Scan?
    private var feed: ChangeFeed?

    private struct Scan {
        var row: CopiedRow
        var columnCount: Int
        var taken = 0
    }

    /// For the transaction alone. A lock that somebody holds who changes a table isn't waited for long.
    private static let settings = [
        "TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "standard_conforming_strings = on", "extra_float_digits = 1",
        "statement_timeout = 0", "lock_timeout = '3s'", "idle_in_transaction_session_timeout = 0",
        "client_min_messages = 'warning'", "jit = off", "cursor_tuple_fraction = 1",
    ]

    init(_ sink: PostgresSink, _ context: SinkReadingContext) {
        self.sink = sink
        self.context = context
    }

    /// Connects once: whoever looks wants to know now whether the server is there.
    func connect() throws {
        try attempting("be reached") {
            let connection = try PostgresConnection(sink.parameters)
            self.connection = connection
            guard connection.serverVersion >= 130_000 else {
                throw PipelineError(
                    .configuration,
                    "\(sink.target): the server is PostgreSQL \(connection.serverVersion / 10_000); 13 or later is needed"
                )
            }
            heldAtFirst = try SessionLock.held(connection)
            try connection.execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                    + Self.settings.map { "SET LOCAL \($0)" }.joined(separator: "; "))
            let catalog = try SchemaCatalog(schema: sink.schema, in: connection)
            relations = catalog.relations
            content = StoredContent(
                PostgresDatabase(connection: connection, schema: sink.schema, place: sink.target), context,
                mode: sink.mode,
                columns: relations.mapValues { Set($0.columns.map(\.name)) })
            let names = (context.tables + LedgerTables.all).map(\.name)
            if let warning = catalog.unloggedWarning(names, target: sink.target) { sink.warn(warning) }
        }
    }

    func close() {
        scan = nil
        feed = nil
        connection?.close()
        connection = nil
    }

    private func attempting<R>(_ what: String, _ body: () throws -> R) throws -> R {
        do { return try body() } catch let failure as PostgresFailure {
            if failure.sqlState == "55P03" {
                throw PipelineError(
                    .temporary, "\(sink.target): somebody changes its tables at this moment (\(failure.text))",
                    hint: "Look again.")
            }
            // Nothing was to be written, so nothing is to be gone on with.
            var error = failure.pipelineError(target: sink.target, doing: what)
            if error.kind == .unavailable { error.hint = "Check that the server can be reached." }
            throw error
        }
    }

    private func opened() throws -> PostgresConnection {
        guard let connection else { throw PipelineError(.software, "\(sink.target): the reader is closed") }
        return connection
    }

    private func openedContent() throws -> StoredContent {
        guard let content else { throw PipelineError(.software, "\(sink.target): the reader is closed") }
        return content
    }

    // MARK: Runs

    func runs() throws -> StoredRuns {
        let (connection, content) = (try opened(), try openedContent())
        return try attempting("read its runs") {
            let held = try heldAtFirst.map { $0.union(try SessionLock.held(connection) ?? []) }
            return try content.runs { shard in
                let lock = SessionLock(
                    schema: sink.schema, pipeline: context.pipeline, shard: shard, target: sink.target)
                return held.map { $0.contains(lock.objectKey) }
            }
        }
    }

    // MARK: Rows

    func account(ofRun runID: String) throws -> StoreAccount { try openedContent().account() }

    func read(_ table: TableDefinition, ofRun runID: String) throws {
        scan = nil
        guard let sql = try openedContent().selection(from: table, ofRun: runID, value: { text(of: $0, in: table) })
        else { return }
        let connection = try opened()
        try attempting("read table '\(table.name)'") { try connection.beginCopyOut("COPY (\(sql)) TO STDOUT") }
        scan = Scan(row: CopiedRow(table), columnCount: table.columns.count)
    }

    /// The expression for a column's value, in rows that are called `t`.
    private func text(of column: Column, in table: TableDefinition) -> String {
        let name = "t.\(quoted(column.name))"
        let isTime = relations[table.name]?.columns.contains {
            $0.name == column.name && $0.type == PostgresTables.typeName(.time)
        }
        return isTime == true ? timeText(name) : "\(name)::text"
    }

    func nextRows() throws -> RowBuffer? {
        guard var scan else { return nil }
        let connection = try opened()
        self.scan = nil
        var builder = RowBuilder(columnCount: scan.columnCount)
        var isEnded = false
        try attempting("read its rows") {
            while builder.rowCount < 1024, builder.memory < 1 << 20 {
                guard let row = try connection.nextCopiedRow() else {
                    try connection.endCopyOut(rows: scan.taken)
                    isEnded = true
                    return
                }
                defer { PQfreemem(row.baseAddress) }
                scan.taken += 1
                scan.row.append(UnsafeRawBufferPointer(row), to: &builder)
            }
        }
        if !isEnded { self.scan = scan }
        return builder.rowCount == 0 ? nil : builder.finish()
    }

    // MARK: Changes

    func removals(in window: ChangeWindow) throws -> [StoredRemovals] {
        let content = try openedContent()
        return try attempting("read its removals") { try content.removals(in: window) }
    }

    func undatedEndpoints() throws -> Int {
        let content = try openedContent()
        return try attempting("read its endpoints") { try content.undatedEndpoints() }
    }

    func readChanges(in window: ChangeWindow) throws -> [TableDefinition] {
        feed = nil
        let (connection, content) = (try opened(), try openedContent())
        let queries = content.changeQueries(
            in: window, bytewise: { "\($0) COLLATE \"C\"" }, value: { text(of: $1, in: $0) })
        try attempting("read its changes") {
            feed = try ChangeFeed(queries) {
                try CursorRows(connection, named: "changes_\($0.table.name)", $1, of: $0.table)
            }
        }
        return queries.map(\.table)
    }

    func nextChanges() throws -> [StoredChange] {
        try attempting("read its changes") { try feed?.next() ?? [] }
    }
}
