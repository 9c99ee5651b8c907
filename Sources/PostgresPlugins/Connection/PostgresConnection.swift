internal import CPostgres
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A connection. Whoever holds it calls it from one executor only.
///
/// Ends its session when it is closed, at the latest when it is released.
final class PostgresConnection {
    private(set) var handle: OpaquePointer?
    /// The backend behind the connection, as the server counts it: behind a pooler libpq's own figure means nothing.
    private(set) var backend = Backend(processID: 0, start: "")
    /// When a statement first noticed that its task is cancelled, and when the server was asked to give one up.
    var cancelledAt: ContinuousClock.Instant?
    var askedAt: ContinuousClock.Instant?
    /// A commit isn't asked to be given up: one that waits for a standby would then be told as done without it.
    private(set) var isCommitting = false
    /// Told of statements that take long; nil where nobody wants to know.
    var lockWatch: LockWatch?
    /// How long the socket is waited on next, in milliseconds.
    var patience: Int32 = 1

    /// One server process; its start tells it from a later one with the same number.
    struct Backend: Hashable {
        var processID: Int
        var start: String
    }

    /// Connects, waiting at most as long as `connect_timeout` says for each host.
    ///
    /// - Throws: `PostgresFailure`; `CancellationError` where the task was cancelled meanwhile.
    init(_ parameters: ConnectionParameters) throws {
        handle = try ConnectAttempt.run(parameters)
        guard handle != nil else { throw PostgresFailure(sqlState: "53200", message: "no memory is left") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let failure = ConnectFailure.read(String(cString: PQerrorMessage(handle)), parameters)
            close()
            throw failure
        }
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        // Waiting is done here, where a stop can end it, not in libpq.
        PQsetnonblocking(handle, 1)
    }

    deinit { close() }

    /// Ends the session; an open transaction is undone. Calling it again does nothing.
    func close() {
        PQfinish(handle)
        handle = nil
    }

    /// False once the connection is known to be broken.
    var isOpen: Bool { handle != nil && PQstatus(handle) == CONNECTION_OK }
    /// As in `150020`.
    var serverVersion: Int { Int(PQserverVersion(handle)) }
    var isInTransaction: Bool { PQtransactionStatus(handle) != PQTRANS_IDLE }

    /// Learns which server process this is.
    func identify() throws {
        let row = try query(
            "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        backend = Backend(processID: row.integer(0, 0), start: row.text(0, 1) ?? "")
    }

    /// Runs statements, separated by semicolons; the rows of the last one are given.
    @discardableResult
    func execute(_ sql: String) throws -> PostgresResult {
        try send { PQsendQuery($0, sql) }
        return try checked(results())
    }

    /// Runs one statement with parameters, as text; the server infers their types. Nothing of it stays on the server.
    @discardableResult
    func query(_ sql: String, _ arguments: [String?] = []) throws -> PostgresResult {
        let texts = arguments.map { argument in argument.map { strdup($0) } ?? nil }
        defer { for text in texts { free(text) } }
        let values = texts.map { text in text.map { UnsafePointer<CChar>($0) } }
        try values.withUnsafeBufferPointer { values in
            try send { PQsendQueryParams($0, sql, Int32(values.count), nil, values.baseAddress, nil, nil, 0) }
        }
        return try checked(results())
    }

    /// Ends the transaction.
    ///
    /// - Throws: `PostgresFailure`; where that is an outage, only the database knows whether the transaction is in it.
    func commit() throws {
        isCommitting = true
        defer { isCommitting = false }
        let tag = try execute("COMMIT").tag
        guard tag == "COMMIT" else {
            throw PipelineError(.software, "a transaction ended as \(tag), though nothing in it had failed")
        }
    }

    /// Undoes the open transaction, if there is one. A broken connection has nothing to undo.
    func rollBack() {
        guard isOpen, isInTransaction else { return }
        do { try execute("ROLLBACK") } catch { close() }
    }

    /// Runs `body` in a transaction; an error undoes it.
    func transaction<R>(_ body: () throws -> R) throws -> R {
        try execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            rollBack()
            throw error
        }
    }

    // MARK: COPY

    /// Sends what `body` puts as the input of a `COPY … FROM STDIN`.
    ///
    /// - Returns: Rows that were copied.
    func copy(_ sql: String, _ body: (PostgresConnection) throws -> Void) throws -> Int {
        try send { PQsendQuery($0, sql) }
        let begun = try results()
        guard begun.status == PGRES_COPY_IN else { throw failure(begun) }
        do { try body(self) } catch let error {
            if isOpen {
                PQputCopyEnd(handle, "given up by the client")
                while takeResult() != nil {}
            }
            throw error
        }
        guard PQputCopyEnd(handle, nil) == 1 else { throw brokenConnection() }
        var failed: PostgresFailure?
        var rows = 0
        while let result = takeResult() {
            if result.isFailure { failed = failed ?? failure(result) } else { rows = result.affectedRows }
            // A broken connection would give results forever.
            if !isOpen { break }
        }
        if let failed { throw failed }
        guard isOpen else { throw Self.closed }
        return rows
    }

    /// Sends bytes of a COPY's input.
    func put(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while rest.count > 0, let start = rest.baseAddress {
            // libpq takes an Int32, and keeps a copy of what the socket doesn't take at once.
            let count = min(rest.count, 1 << 20)
            guard PQputCopyData(handle, start.assumingMemoryBound(to: CChar.self), Int32(count)) == 1 else {
                throw brokenConnection()
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            try flush()
        }
    }

    /// Sending or receiving failed: the server may have said why before it hung up.
    func brokenConnection() -> PostgresFailure {
        var said: PostgresFailure?
        while let result = takeResult() {
            if result.isFailure { said = said ?? failure(result) }
            if result.isCopying || !isOpen { break }
        }
        if var said {
            said.isDisconnected = !isOpen
            return said
        }
        return PostgresFailure(sqlState: nil, message: clientMessage, isDisconnected: true)
    }

    // MARK: Failures

    static let closed = PostgresFailure(
        sqlState: nil, message: "the connection is closed", isDisconnected: true)

    private func checked(_ result: PostgresResult) throws -> PostgresResult {
        if result.isFailure { throw failure(result) }
        return result
    }

    func failure(_ result: PostgresResult) -> PostgresFailure {
        PostgresFailure(
            sqlState: result.sqlState, message: result.primaryMessage ?? clientMessage, isDisconnected: !isOpen)
    }

    /// libpq's own words for what broke: the first line, without the host's advice.
    private var clientMessage: String {
        guard handle != nil else { return Self.closed.message }
        let text = String(cString: PQerrorMessage(handle))
        return text.split(separator: "\n").first.map(String.init) ?? "the connection broke"
    }
}
