internal import CSQLite
internal import PipelineCore

/// A database connection. Whoever holds it calls it from one executor only.
///
/// Frees its handle and every statement it made when it is closed, at the latest when it is released.
final class SQLiteConnection {
    /// The database file, for messages.
    let path: String
    /// Nothing is written: failures say what they mean to a reader.
    private let isReader: Bool
    private var handle: OpaquePointer?
    private var statements: [SQLiteStatement] = []

    /// Opens the file, creating it where it doesn't exist.
    ///
    /// - Parameter path: Without symbolic links.
    init(path: String) throws {
        self.path = path
        isReader = false
        // No mutex: one executor at a time calls.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK else {
            defer {
                sqlite3_close_v2(handle)
                handle = nil
            }
            throw error(code)
        }
        sqlite3_extended_result_codes(handle, 1)
    }

    /// Opens a file that exists, to read it.
    ///
    /// - Parameter isSettled: It has a write-ahead log that nobody has open: SQLite would make the log's files to read it, and
    ///   needn't.
    init(reading path: String, isSettled: Bool) throws {
        self.path = path
        isReader = true
        var escaped = ""
        for byte in path.utf8 {
            // What a URI would take for something else.
            let isPlain = byte > 0x20 && byte < 0x7F && byte != 0x23 && byte != 0x25 && byte != 0x3F
            escaped += isPlain ? String(UnicodeScalar(byte)) : "%" + Self.hexadecimal(byte)
        }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
        let code = sqlite3_open_v2("file:\(escaped)\(isSettled ? "?immutable=1" : "")", &handle, flags, nil)
        guard code == SQLITE_OK else {
            defer {
                sqlite3_close_v2(handle)
                handle = nil
            }
            throw error(code)
        }
        sqlite3_extended_result_codes(handle, 1)
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }

    deinit { close() }

    /// Finalizes all statements, undoes an open transaction and gives the file back. Calling it again does nothing.
    func close() {
        for statement in statements { statement.finalize() }
        statements = []
        sqlite3_close_v2(handle)
        handle = nil
    }

    /// Compiles one statement; it lives until the connection is closed.
    func prepare(_ sql: String) throws -> SQLiteStatement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw error(code) }
        let result = SQLiteStatement(statement, of: self)
        statements.append(result)
        return result
    }

    /// Runs statements that give no rows, or whose rows nobody needs.
    func execute(_ sql: String) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code) }
    }

    /// Runs one statement and gives all of its rows, with every value as text.
    func query(_ sql: String, _ arguments: String...) throws -> [[String?]] { try rows(sql, arguments) }

    /// As `query`; nil stands for NULL.
    @discardableResult
    func rows(_ sql: String, _ arguments: [String?]) throws -> [[String?]] {
        var compiled: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &compiled, nil)
        guard code == SQLITE_OK, let compiled else { throw error(code) }
        let statement = SQLiteStatement(compiled, of: self)
        defer { statement.finalize() }
        for (index, argument) in arguments.enumerated() { try statement.bind(index + 1, argument) }
        var rows: [[String?]] = []
        while try statement.step() {
            rows.append((0..<statement.columnCount).map { statement.text($0) })
        }
        return rows
    }

    /// How the texts of a column are compared where nothing else is said; nil where there is no such column.
    func collation(of column: String, in table: String) throws -> String? {
        var collation: UnsafePointer<CChar>?
        let code = sqlite3_table_column_metadata(handle, "main", table, column, nil, &collation, nil, nil, nil)
        // Also what isn't there is no more than an error.
        if code == SQLITE_ERROR { return nil }
        guard code == SQLITE_OK else { throw error(code) }
        return collation.map { String(cString: $0) }
    }

    /// - Throws: `PipelineError` of kind `.ioError` where the file isn't at its path any more: what is committed now
    ///   would be gone with this process.
    func checkPresence() throws {
        guard sluice_sqlite_has_moved(handle) == 0 else {
            throw PipelineError(
                .ioError, "\(path) was moved or deleted while the run was under way",
                hint: "Put it back, and its -wal file, and run again; or run again to begin with an empty database.")
        }
    }

    /// Runs `body` in a transaction that takes the write lock at once; an error undoes it.
    func transaction<R>(_ body: () throws -> R) throws -> R {
        try describingViolations {
            try openTransaction {
                let result = try body()
                try execute("COMMIT")
                return result
            }
        }
    }

    /// Begins a transaction that takes the write lock at once, and stays open; an error undoes it.
    func openTransaction<R>(_ body: () throws -> R) throws -> R {
        try execute("BEGIN IMMEDIATE")
        do {
            return try body()
        } catch {
            rollBack()
            throw error
        }
    }

    /// Runs `body` within the open transaction; an error undoes what it did, and nothing before.
    func savepoint<R>(_ body: () throws -> R) throws -> R {
        try execute("SAVEPOINT sluice")
        do {
            let result = try body()
            try execute("RELEASE sluice")
            return result
        } catch {
            for statement in statements { statement.reset() }
            // A trigger may have undone the whole transaction.
            guard isInTransaction else {
                throw (error as? ConstraintViolation)?.pipelineError(path: path) ?? error
            }
            try execute("ROLLBACK TO sluice; RELEASE sluice")
            throw error
        }
    }

    /// Runs `body`, for which a row that isn't admitted is the end.
    func describingViolations<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch let violation as ConstraintViolation {
            throw violation.pipelineError(path: path)
        }
    }

    /// Undoes the open transaction, if there is one. SQLite may have undone it by itself after an I/O error.
    func rollBack() {
        for statement in statements { statement.reset() }
        if isInTransaction { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    var isInTransaction: Bool { handle != nil && sqlite3_get_autocommit(handle) == 0 }
    /// Rows that the last statement inserted, changed or deleted.
    var changes: Int { Int(sqlite3_changes(handle)) }

    func setBusyTimeout(_ timeout: Duration) {
        let milliseconds = timeout / .milliseconds(1)
        sqlite3_busy_timeout(handle, Int32(max(0, min(milliseconds, 86_400_000))))
    }

    /// What went wrong in the last call, by its result code: a `ConstraintViolation` or a `PipelineError`.
    func error(_ code: Int32) -> any Error {
        let message = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? ""
        if code & 0xff == SQLITE_CONSTRAINT { return ConstraintViolation(code: code, message: message) }
        let failure = SQLiteFailure(
            code: code, message: message, systemError: sqlite3_system_errno(handle),
            fileError: sluice_sqlite_last_errno(handle))
        return isReader ? failure.readingError(path: path) : failure.pipelineError(path: path)
    }
}
