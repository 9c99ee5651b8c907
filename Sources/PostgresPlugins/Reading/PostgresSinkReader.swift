internal import CPostgres
internal import PipelineCore

/// Looks at a pipeline's rows and runs in a schema, in one read-only transaction with one snapshot; a standby will do.
actor PostgresSinkReader: SinkReader {
    private let executor = BlockingExecutor(label: "postgres.reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: PostgresSink
    private let context: SinkReadingContext
    private var connection: PostgresConnection?
    /// What the schema holds.
    private var relations: [String: SchemaCatalog.Relation] = [:]
    /// The locks that were held before anything was read; nil where the server, a standby, can't know.
    private var heldAtFirst: Set<Int32>?
    private var scan: Scan?

    private struct Scan {
        var row: CopiedRow
        var columnCount: Int
        var taken = 0
    }

    /// For the transaction alone. A lock that somebody holds who changes a table isn't waited for long.
    private static let settings = [
        "TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "standard_conforming_strings = on", "extra_float_digits = 1",
        "statement_timeout = 0", "lock_timeout = '3s'", "idle_in_transaction_session_timeout = 0",
        "client_min_messages = 'warning'", "jit = off",
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
            let names = (context.tables + RunLedger.tables).map(\.name)
            if let warning = catalog.unloggedWarning(names, target: sink.target) { sink.warn(warning) }
        }
    }

    func close() {
        scan = nil
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

    private func name(_ table: String) -> String { "\(quoted(sink.schema)).\(quoted(table))" }

    // MARK: Runs

    func runs() throws -> StoredRuns {
        var result = StoredRuns(isKeyed: true)
        guard relations[RunLedger.runs.name] != nil else { return result }
        let connection = try opened()
        try attempting("read its runs") {
            let progress = try progress(connection)
            let held = try heldAtFirst.map { $0.union(try SessionLock.held(connection) ?? []) }
            let rows = try connection.query(
                """
                SELECT shard, run_id, state, \(timeText("logical_date")), \(timeText("started_at")),
                    \(timeText("finished_at")), counts::text, version
                FROM \(name(RunLedger.runs.name)) WHERE pipeline = $1 ORDER BY started_at, run_id COLLATE "C", shard
                """, [context.pipeline]
            ).rows
            result.runs = try rows.map { row in
                let (shard, runID) = (Int(row[0] ?? "") ?? 0, row[1] ?? "")
                guard let state = RunState(rawValue: row[2] ?? "") else {
                    throw unreadable("run \(runID) has the state '\(PrintableText.of(row[2] ?? ""))'")
                }
                let counts = try decoded("the counts of run \(runID)") { try RunCounts(json: row[6] ?? "") }
                let record = RunRecord(
                    runID: runID, state: state, logicalDate: row[3] ?? "", startedAt: row[4] ?? "",
                    finishedAt: row[5], counts: counts, version: row[7] ?? "")
                let own = progress[shard].flatMap { $0.runID == runID ? $0.progress : nil }
                let lock = SessionLock(
                    schema: sink.schema, pipeline: context.pipeline, shard: shard, target: sink.target)
                return StoredRun(
                    shard: shard, record: record, progress: own, isUnderWay: held.map { $0.contains(lock.objectKey) })
            }
            result.neighbours = try connection.query(
                "SELECT DISTINCT pipeline FROM \(name(RunLedger.runs.name)) WHERE pipeline <> $1 ORDER BY pipeline",
                [context.pipeline]
            ).rows.compactMap { $0[0] }
        }
        return result
    }

    private func progress(
        _ connection: PostgresConnection
    ) throws -> [Int: (runID: String, progress: StoredProgress)] {
        guard relations[RunLedger.checkpoints.name] != nil else { return [:] }
        let rows = try connection.query(
            """
            SELECT shard, run_id, commit_number, next_ordinal, input_ended, parked::text
            FROM \(name(RunLedger.checkpoints.name)) WHERE pipeline = $1
            """, [context.pipeline]
        ).rows
        var result: [Int: (runID: String, progress: StoredProgress)] = [:]
        for row in rows {
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
            guard let there = relations[table.name] else {
                account.faults.append("table '\(table.name)' is gone")
                continue
            }
            for column in table.columns where !there.columns.contains(where: { $0.name == column.name }) {
                account.faults.append("table '\(table.name)' lacks the column '\(column.name)'")
            }
        }
        return account
    }

    func read(_ table: TableDefinition, ofRun runID: String) throws {
        scan = nil
        guard let sql = statement(table, runID) else { return }
        let connection = try opened()
        try attempting("read table '\(table.name)'") { try connection.beginCopyOut("COPY (\(sql)) TO STDOUT") }
        scan = Scan(row: CopiedRow(table), columnCount: table.columns.count)
    }

    /// The rows of a run; nil where there can be none.
    private func statement(_ table: TableDefinition, _ runID: String) -> String? {
        guard let there = relations[table.name]?.columns else { return nil }
        let selection = table.columns.map { column in
            guard let found = there.first(where: { $0.name == column.name }) else { return "NULL" }
            let name = "t.\(quoted(column.name))"
            return found.type == PostgresTables.typeName(.time) ? timeText(name) : "\(name)::text"
        }.joined(separator: ", ")
        let from = "SELECT \(selection) FROM \(name(table.name)) AS t"
        guard table.selectsByRun(in: sink.mode) else { return from }
        func has(_ column: String, _ relation: String) -> Bool {
            relations[relation]?.columns.contains { $0.name == column } == true
        }
        guard table.role == .endpointParts, !table.key.contains("run_id") else {
            return has("run_id", table.name) ? "\(from) WHERE t.run_id = \(literal(runID))" : nil
        }
        guard let owner = context.tables.first(where: { $0.role == .endpoints }), has("run_id", owner.name) else {
            return nil
        }
        let keys = owner.key.filter { $0 != "run_id" }
        guard keys.allSatisfy({ has($0, table.name) && has($0, owner.name) }) else { return nil }
        let join = keys.map { "t.\(quoted($0)) = e.\(quoted($0))" }.joined(separator: " AND ")
        return "\(from) JOIN \(name(owner.name)) AS e ON \(join) WHERE e.run_id = \(literal(runID))"
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
}
