internal import LocalFiles
internal import PipelineCore

/// One query, asked over a connection of its own. Its calls block; they end soon after their task is cancelled.
struct UserQuery: Sendable {
    let parameters: ConnectionParameters
    let text: String
    /// How long a server that hasn't answered yet is waited for.
    let firstContact: Duration

    /// For the transaction alone: what decides how values are written, and what would end a long answer.
    private static let settings = [
        "DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'", "standard_conforming_strings = on",
        "extra_float_digits = 1", "bytea_output = 'hex'", "statement_timeout = 0", "lock_timeout = 0",
        "idle_in_transaction_session_timeout = 0", "client_min_messages = 'warning'",
    ]

    /// Gives the IDs that the query yields: each once, in the order of their bytes, NULL as nil in front.
    ///
    /// - Parameter limit: the first ones are enough, as they come.
    /// - Throws: `PipelineError`, whatever `body` throws, or `CancellationError`.
    func forEachID(limit: Int? = nil, _ body: (UnsafeRawBufferPointer?) throws -> Void) throws {
        let id = "(q.id)::text COLLATE \"C\""
        try ask(
            limit.map { limit in { "SELECT \(id) FROM \($0) LIMIT \(limit)" } }
                ?? { "SELECT DISTINCT \(id) FROM \($0) ORDER BY 1 NULLS FIRST" }, body)
    }

    /// How many IDs the query yields, each counted once, and all NULLs as one.
    func count() throws -> Int {
        var count = 0
        let counting = "SELECT count(DISTINCT (q.id)::text COLLATE \"C\") + (count(*) > count(q.id))::int"
        try ask({ "\(counting) FROM \($0)" }) { bytes in
            count = bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        }
        return count
    }

    /// - Parameter selection: what is selected from the query, which it is given as an item of FROM called `q` with the
    ///   column `id`.
    private func ask(
        _ selection: (_ query: String) -> String, _ body: (UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        let query = QueryText(text)
        guard ["SELECT", "WITH", "VALUES", "TABLE"].contains(query.firstWord) else {
            throw wrong("is no SELECT", "Write one SELECT of the column that holds the user IDs.")
        }
        try withConnection { connection in
            do {
                try ask(selection("(\n\(query.withoutSemicolons)\n) AS q(id)"), connection, body)
            } catch let failure as PostgresFailure {
                let tables = failure.isOf("42703", "42P01") ? TablesInReach(connection)?.text : nil
                throw failure.queryError(place: parameters.place, tables: tables)
            }
        }
    }

    /// Does something in a transaction that only reads, over a connection of its own.
    ///
    /// - Throws: `PipelineError`, whatever `body` throws, or `CancellationError`.
    func withConnection<R>(_ body: (PostgresConnection) throws -> R) throws -> R {
        do {
            let connection = try connect()
            defer { connection.close() }
            try begin(connection)
            return try body(connection)
        } catch let failure as PostgresFailure {
            throw failure.queryError(place: parameters.place, tables: nil)
        }
    }

    private func begin(_ connection: PostgresConnection) throws {
        guard connection.serverVersion >= 130_000 else {
            throw PipelineError(
                .configuration,
                "\(parameters.place): the server is PostgreSQL \(connection.serverVersion / 10_000); 13 or later is "
                    + "needed")
        }
        var settings = Self.settings
        // The server notices within a second that its client is gone.
        if connection.serverVersion >= 140_000 { settings.append("client_connection_check_interval = '1s'") }
        // Bytes without an encoding are taken as they are; what isn't UTF-8 among them is told apart when it is read.
        if connection.hasNoEncoding { settings.append("client_encoding = 'SQL_ASCII'") }
        try connection.execute(
            "BEGIN READ ONLY; " + settings.map { "SET LOCAL \($0)" }.joined(separator: "; "))
    }

    private func ask(
        _ sql: String, _ connection: PostgresConnection, _ body: (UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        // Alone first: within another statement, what isn't one query of its own could pass for something else.
        let columns = try connection.columns(of: text)
        guard columns.count == 1 else {
            let names = columns.map { PrintableText.of($0) }.joined(separator: ", ")
            throw wrong(
                columns.isEmpty ? "gives no column" : "gives \(columns.count) columns (\(names)), not one",
                "Select only the column that holds the user IDs.")
        }
        try Failpoint.reach("postgres.users.before-copy")
        try connection.copyOut("COPY (\(sql)) TO STDOUT", body)
        try connection.execute("COMMIT")
    }

    private func connect() throws -> PostgresConnection {
        var outage = Outage(limit: firstContact)
        while true {
            do { return try PostgresConnection(parameters) } catch let failure as PostgresFailure {
                guard failure.isOutage, outage.wait() else {
                    try Task.checkCancellation()
                    throw failure
                }
            }
        }
    }

    private func wrong(_ what: String, _ hint: String) -> PipelineError {
        PipelineError(.configuration, "\(parameters.place): the query \(what)", hint: hint)
    }
}

extension PostgresFailure {
    fileprivate func isOf(_ states: String...) -> Bool { states.contains { sqlState?.hasPrefix($0) == true } }

    /// What a failure means where a query is only read.
    ///
    /// - Parameter tables: what there is, for a query that names something else.
    fileprivate func queryError(place: String, tables: String?) -> PipelineError {
        // What is raised about a value quotes it: that stands in no log.
        let what = isOf("22", "23", "P0") ? "the server refused a value (\(sqlState ?? ""))" : text
        let message = "\(place): the query can't be answered: \(what)"
        if isOf("25006") {
            return PipelineError(
                .configuration, message, hint: "Write one SELECT that changes nothing: it is only read here.")
        }
        if isOutage {
            return PipelineError(
                .unavailable, "\(place): cannot read user IDs: \(text)",
                hint: "Check that the server can be reached, and run again: nothing was kept of the answer.")
        }
        if isOf("28", "42501") {
            return PipelineError(
                .permission, message, hint: "Check user and password, and what this role may read.")
        }
        if isOf("57014", "40", "55") {
            return PipelineError(.temporary, message, hint: "Run again: nothing was kept of the answer.")
        }
        if isOf("53", "58") {
            return PipelineError(.ioError, message, hint: "Check the server's memory and disk, and run again.")
        }
        if isOf("3D") { return PipelineError(.configuration, message, hint: "Check the name of the database.") }
        let held = tables.map { " \($0)" } ?? ""
        return PipelineError(
            .configuration, message, hint: "Write one SELECT of the column that holds the user IDs.\(held)")
    }
}
