internal import PipelineCore

/// The lock of one pipeline and shard in one schema: an advisory lock that dies with its server process.
struct SessionLock {
    /// `sluc`: the first half of every key, by which the locks are found in `pg_locks`.
    private static let classKey: Int32 = 0x736c_7563
    private static let ddlClassKey: Int32 = 0x736c_7564

    /// What it locks, for messages.
    private let subject: String
    let objectKey: Int32

    init(schema: String, pipeline: String, shard: Int, target: String) {
        subject = "pipeline '\(pipeline)' (shard \(shard)) at \(target)"
        objectKey = Self.hash("\(schema)\0\(pipeline)\0\(shard)")
    }

    /// The arguments of the lock that a schema's creation takes.
    static func ddlKey(schema: String) -> [String] { [String(ddlClassKey), String(hash(schema))] }

    /// FNV-1a: the same in every process and version.
    private static func hash(_ text: String) -> Int32 {
        var hash: UInt32 = 0x811c_9dc5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return Int32(bitPattern: hash)
    }

    /// Takes the lock. A process that was killed a moment ago may still hold it through its server process, and so may this
    /// session's former connection: both are waited for.
    ///
    /// - Parameters:
    ///   - own: server processes of this session's former connections. One that doesn't notice by itself that its client
    ///     is gone is ended.
    ///   - patience: how long another holder is waited for.
    /// - Throws: `PipelineError` of kind `.temporary` that says who holds it; `CancellationError`.
    func take(_ connection: PostgresConnection, own: Set<PostgresConnection.Backend>, patience: Duration) throws {
        let start = ContinuousClock.now
        while true {
            let row = try connection.query(
                "SELECT pg_try_advisory_lock($1::int, $2::int)", [String(Self.classKey), String(objectKey)])
            if row.boolean(0, 0) { return }
            let holder = try holder(connection)
            let waited = ContinuousClock.now - start
            if let holder, own.contains(holder.backend) {
                if waited > .seconds(1) { try end(holder.backend, connection) }
                if waited > .seconds(30) { throw error(holder) }
            } else if waited > patience {
                throw error(holder)
            }
            try Task.checkCancellation()
            Pause.sleep(.milliseconds(50))
        }
    }

    /// The keys of the locks that are held in the connection's database; takes none. Nil on a standby, which knows nothing
    /// of its primary's.
    static func held(_ connection: PostgresConnection) throws -> Set<Int32>? {
        let result = try connection.query(
            """
            SELECT pg_catalog.pg_is_in_recovery(), NULL::text UNION ALL
            SELECT false, objid::int8::text FROM pg_catalog.pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::int8 = $1::int8
                AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            """, [String(UInt32(bitPattern: classKey))])
        var held: Set<Int32> = []
        for row in 0..<result.rowCount {
            if result.boolean(row, 0) { return nil }
            if let key = result.text(row, 1).flatMap({ UInt32($0) }) { held.insert(Int32(bitPattern: key)) }
        }
        return held
    }

    private struct Holder {
        var backend: PostgresConnection.Backend
        var description: String
    }

    private func holder(_ connection: PostgresConnection) throws -> Holder? {
        let result = try connection.query(
            """
            SELECT a.pid, a.backend_start::text, a.application_name, a.usename, a.client_addr::text,
                to_char(a.backend_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND l.classid::int8 = $1::int8 AND l.objid::int8 = $2::int8
            """, [String(UInt32(bitPattern: Self.classKey)), String(UInt32(bitPattern: objectKey))])
        guard result.rowCount > 0 else { return nil }
        var words = ["server process \(result.integer(0, 0))"]
        if let name = result.text(0, 2), !name.isEmpty { words.append("application '\(PrintableText.of(name))'") }
        if let user = result.text(0, 3) { words.append("role '\(PrintableText.of(user))'") }
        if let address = result.text(0, 4) { words.append("from \(address)") }
        if let since = result.text(0, 5) { words.append("connected since \(since)") }
        return Holder(
            backend: PostgresConnection.Backend(processID: result.integer(0, 0), start: result.text(0, 1) ?? ""),
            description: words.joined(separator: ", "))
    }

    private func end(_ backend: PostgresConnection.Backend, _ connection: PostgresConnection) throws {
        try connection.query(
            "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                + "WHERE pid = $1::int AND backend_start::text = $2 AND usename = current_user",
            [String(backend.processID), backend.start])
    }

    private func error(_ holder: Holder?) -> PipelineError {
        PipelineError(
            .temporary,
            "another run of \(subject) is under way: its lock is held by "
                + (holder?.description ?? "a session that has just ended"),
            hint: "Wait for it to end and run again, or end that server process with pg_terminate_backend.")
    }
}
