internal import CSQLite
internal import LocalFiles
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A database that is opened to be asked one query. Its calls block; they end soon after their task is cancelled.
final class QueryConnection {
    let path: PathOption
    private var handle: OpaquePointer?
    private let patience: Patience

    /// Opens a file that exists; it is never made or changed.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where there is none.
    init(_ path: PathOption, busyTimeout: Duration) throws {
        self.path = path
        patience = Patience(busyTimeout)
        var status = stat()
        guard stat(path.resolved, &status) == 0 else {
            throw PipelineError(
                .noInput, "cannot open \(path.written): \(SystemFailure.text(errno))",
                hint: "Name the database that holds the user IDs, and check that the user who runs this may read it.")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw PipelineError(
                .noInput, "\(path.written) is a folder, not a database file", hint: "Name a file in it.")
        }
        // SQLite would wait for ever for who writes into a pipe.
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PipelineError(
                .noInput, "\(path.written) is no regular file, and so no database", hint: "Name the database file.")
        }
        let code = sqlite3_open_v2(path.resolved, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK else {
            defer { close() }
            throw failure(code)
        }
        sqlite3_extended_result_codes(handle, 1)
        // A column that doesn't exist must not become a text that every row has.
        _ = sluice_sqlite_refuse_quoted_texts(handle)
        sqlite3_progress_handler(
            handle, 20_000,
            { patience in
                guard !Task.isCancelled, let patience else { return 1 }
                return Unmanaged<Patience>.fromOpaque(patience).takeUnretainedValue().isOver ? 1 : 0
            }, Unmanaged.passUnretained(patience).toOpaque())
        sqlite3_busy_handler(
            handle,
            { patience, attempts in
                guard let patience else { return 0 }
                return Unmanaged<Patience>.fromOpaque(patience).takeUnretainedValue().wait(attempts) ? 1 : 0
            }, Unmanaged.passUnretained(patience).toOpaque())
    }

    deinit { close() }

    /// Calling it again does nothing.
    func close() {
        sqlite3_close_v2(handle)
        handle = nil
    }

    /// When the statement at hand is given up; nil for never.
    var deadline: ContinuousClock.Instant? {
        get { patience.deadline }
        set { patience.deadline = newValue }
    }

    /// How long a lock of another process is waited for, and how long an answer.
    private final class Patience {
        private let limit: Duration
        private var start = ContinuousClock.now
        var deadline: ContinuousClock.Instant?

        var isOver: Bool { deadline.map { ContinuousClock.now > $0 } ?? false }

        init(_ limit: Duration) { self.limit = limit }

        func wait(_ attempts: Int32) -> Bool {
            if attempts == 0 { start = .now }
            guard ContinuousClock.now - start < limit, !Task.isCancelled else { return false }
            usleep(attempts < 10 ? 2000 : 20_000)
            return true
        }
    }

    // MARK: The query

    /// Gives the IDs that a query yields: each once, in the order of their UTF-8 bytes, NULL as nil in front.
    ///
    /// - Parameter limit: the first ones are enough, as they come.
    /// - Throws: `PipelineError`, whatever `body` throws, or `CancellationError`.
    func forEachID(of query: String, limit: Int? = nil, _ body: (UnsafeRawBufferPointer?) throws -> Void) throws {
        try begin()
        let statement = try check(query)
        // COLLATE, because a cast takes the collation of the column over.
        let selection =
            try limit.map { "SELECT CAST(id AS TEXT) FROM \(Self.name) LIMIT \($0)" }
            ?? "SELECT DISTINCT CAST(id AS TEXT) COLLATE \(bytewiseCollation()) AS id FROM \(Self.name) "
            + "ORDER BY id NULLS FIRST"
        try forEachValue(of: Self.around(statement, selection), body)
    }

    /// How many IDs the query yields, each counted once, and all NULLs as one.
    func countIDs(of query: String) throws -> Int {
        try begin()
        let statement = try check(query)
        let selection =
            "SELECT count(DISTINCT CAST(id AS TEXT) COLLATE \(try bytewiseCollation())) + (count(*) > count(id)) "
            + "FROM \(Self.name)"
        var count = 0
        try forEachValue(of: Self.around(statement, selection)) { bytes in
            count = bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        }
        return count
    }

    private func begin() throws { try run("PRAGMA query_only = ON; PRAGMA cache_size = -16384") }

    /// One that no query uses.
    private static let name = "\"sluice query\""

    private static func around(_ statement: String, _ selection: String) -> String {
        "WITH \(name)(id) AS (\n\(statement)\n)\n\(selection)"
    }

    /// Gives the first column of each row.
    private func forEachValue(of sql: String, _ body: (UnsafeRawBufferPointer?) throws -> Void) throws {
        let compiled = try prepare(sql).statement
        defer { sqlite3_finalize(compiled) }
        while true {
            switch sqlite3_step(compiled) {
            case SQLITE_ROW: break
            case SQLITE_DONE: return
            case let code: throw failure(code)
            }
            guard sqlite3_column_type(compiled, 0) != SQLITE_NULL else {
                try body(nil)
                continue
            }
            let text = sqlite3_column_text(compiled, 0)
            let count = Int(sqlite3_column_bytes(compiled, 0))
            guard text != nil || count == 0 else { throw failure(SQLITE_NOMEM) }
            try body(UnsafeRawBufferPointer(start: text, count: count))
        }
    }

    /// The query as it can stand within another one.
    func check(_ query: String) throws -> String {
        guard ["SELECT", "WITH", "VALUES"].contains(QueryText(query).firstWord) else { throw noSelect }
        let (statement, rest) = try prepare(query)
        defer { sqlite3_finalize(statement) }
        guard let statement else { throw noSelect }
        try checkEnd(rest)
        guard sqlite3_stmt_readonly(statement) != 0 else {
            throw wrong("changes the database", Self.advice)
        }
        guard sqlite3_bind_parameter_count(statement) == 0 else {
            throw wrong("holds a parameter", "Write values out: nothing is put in place of ?, :name, @name or $name.")
        }
        let columns = (0..<sqlite3_column_count(statement)).map {
            sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? ""
        }
        guard columns.count == 1 else {
            throw wrong(
                "gives \(columns.count) columns (\(columns.map { PrintableText.of($0) }.joined(separator: ", "))), not one",
                "Select only the column that holds the user IDs.")
        }
        var text = Substring(query.utf8.dropLast(rest.utf8.count))
        if text.last == ";" { text.removeLast() }
        return String(text)
    }

    /// - Throws: `PipelineError` where something other than blanks, comments and semicolons follows the statement.
    private func checkEnd(_ rest: String) throws {
        var rest = rest
        while !rest.isEmpty {
            let next: (statement: OpaquePointer?, rest: String)
            do { next = try prepare(rest) } catch is PipelineError { throw moreThanOne }
            sqlite3_finalize(next.statement)
            guard next.statement == nil, next.rest.utf8.count < rest.utf8.count else { throw moreThanOne }
            rest = next.rest
        }
    }

    private var noSelect: PipelineError { wrong("is no SELECT", Self.advice) }
    private var moreThanOne: PipelineError { wrong("holds more than one statement", Self.advice) }
    private static let advice = "Write one SELECT of the column that holds the user IDs."

    private func wrong(_ what: String, _ hint: String) -> PipelineError {
        PipelineError(.configuration, "\(path.written): the query \(what)", hint: hint)
    }

    /// Compiles the first statement of a text; nil where there is none. `rest` is what follows it.
    func prepare(_ sql: String) throws -> (statement: OpaquePointer?, rest: String) {
        var statement: OpaquePointer?
        return try sql.withCString { start in
            var tail: UnsafePointer<CChar>?
            let code = sqlite3_prepare_v2(handle, start, -1, &statement, &tail)
            guard code == SQLITE_OK else { throw failure(code) }
            return (statement, tail.map { String(cString: $0) } ?? "")
        }
    }

    private func run(_ sql: String) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// What sorts by the bytes of UTF-8. A database in UTF-16 compares the bytes of that otherwise.
    private func bytewiseCollation() throws -> String {
        let statement = try prepare("PRAGMA encoding").statement
        defer { sqlite3_finalize(statement) }
        let code = sqlite3_step(statement)
        guard code == SQLITE_ROW else { throw failure(code) }
        guard let encoding = sqlite3_column_text(statement, 0), String(cString: encoding) != "UTF-8" else {
            return "BINARY"
        }
        let made = sqlite3_create_collation_v2(
            handle, "sluice_utf8", SQLITE_UTF8, nil,
            { _, count, bytes, otherCount, otherBytes in
                if let bytes, let otherBytes {
                    let order = memcmp(bytes, otherBytes, Int(min(count, otherCount)))
                    if order != 0 { return order }
                }
                return count - otherCount
            }, nil)
        guard made == SQLITE_OK else { throw failure(made) }
        return "sluice_utf8"
    }

    // MARK: Failures

    func failure(_ code: Int32) -> any Error {
        if Task.isCancelled { return CancellationError() }
        let message = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? ""
        let plain = SQLiteFailure(
            code: code, message: PrintableText.of(message), systemError: sqlite3_system_errno(handle),
            fileError: sluice_sqlite_last_errno(handle))
        let failure = QueryFailure(code: plain.code, message: plain.message, systemError: plain.systemError)
        return failure.pipelineError(path: path.written) { TablesAtHand(handle).text }
    }
}
