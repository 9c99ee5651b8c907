internal import PipelineCore
internal import SQLStore

/// A connection that is set up, with the lock taken and the tables there: what a session works with until it is lost.
struct PostgresStore {
    let connection: PostgresConnection
    let tables: PostgresTables
    let ledger: RunLedger
    let failures: StoredFailures?
    let writer: BatchWriter

    /// The settings that the sink relies on, whatever the server, the database or the role have as theirs. They are no
    /// options of the connection, because poolers refuse those.
    ///
    /// Without hash and merge joins a batch is looked up row by row in the index of the table that it goes to, whatever the
    /// planner takes that table's size for; a batch's cost never grows with the table. `publish` needs and has them.
    private static let settings = [
        "TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'", "standard_conforming_strings = on",
        "quote_all_identifiers = off", "extra_float_digits = 1", "statement_timeout = 0", "lock_timeout = 0",
        "idle_in_transaction_session_timeout = 0", "synchronous_commit = on", "client_min_messages = 'warning'",
        "jit = off", "tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 3",
    ]

    /// Connects and sets the session up.
    ///
    /// - Parameters:
    ///   - own: server processes of former connections of this session, which may still hold the lock; the new one is added.
    ///   - patience: how long another holder of the lock is waited for.
    ///   - isOpening: whether the server, and what stands before it, is met for the first time.
    init(
        _ sink: PostgresSink, _ context: SinkContext, own: inout Set<PostgresConnection.Backend>, patience: Duration,
        isOpening: Bool
    ) throws {
        connection = try PostgresConnection(sink.parameters)
        try Self.check(connection, sink.target)
        if isOpening { try PoolerCheck(connection, sink.parameters, target: sink.target).perform() }
        var settings = Self.settings
        // The server notices within a second that its client is gone, also in the middle of a long statement.
        if connection.serverVersion >= 140_000 { settings.append("client_connection_check_interval = '1s'") }
        try connection.execute(settings.map { "SET \($0)" }.joined(separator: "; "))
        try connection.identify()
        connection.lockWatch = LockWatch(
            sink.parameters, processID: connection.backend.processID, tell: context.waits)
        try SessionLock(
            schema: sink.schema, pipeline: context.pipeline, shard: context.shard, target: sink.target
        ).take(connection, own: own, patience: patience)
        own.insert(connection.backend)
        try Failpoint.reach("postgres.open.locked")
        tables = PostgresTables(
            schema: sink.schema, layout: try StoreLayout(context, mode: sink.mode), target: sink.target)
        let database = tables.database(connection)
        // First: nothing there means anything before its format is known.
        try LedgerFormat.check(database)
        try tables.checkLogged(in: connection)
        ledger = RunLedger(database, pipeline: context.pipeline, shard: context.shard)
        failures = StoredFailures(database, tables.layout)
        writer = BatchWriter(connection, tables, conflict: context.conflict)
    }

    /// - Throws: `PipelineError` of kind `.configuration` where the server or the database can't be written to;
    ///   `PostgresFailure` where it is on its way to become so.
    static func check(_ connection: PostgresConnection, _ target: String) throws {
        guard connection.serverVersion >= 130_000 else {
            throw PipelineError(
                .configuration,
                "\(target): the server is PostgreSQL \(connection.serverVersion / 10_000); 13 or later is needed")
        }
        let row = try connection.query(
            """
            SELECT current_setting('server_encoding'), pg_is_in_recovery(),
                current_setting('default_transaction_read_only')::boolean
            """)
        let encoding = row.text(0, 0) ?? ""
        guard encoding == "UTF8" else {
            throw PipelineError(
                .configuration,
                "\(target): the database's encoding is \(encoding), in which not every text can be kept",
                hint: "Name a database with the encoding UTF8.")
        }
        if row.boolean(0, 1) {
            throw PostgresFailure(sqlState: "25006", message: "the server is a standby, which can't be written to")
        }
        if row.boolean(0, 2) {
            throw PostgresFailure(
                sqlState: "25006", message: "transactions are read only here (default_transaction_read_only)")
        }
    }
}
