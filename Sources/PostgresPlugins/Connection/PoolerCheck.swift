internal import CPostgres
internal import PipelineCore

/// Finds out whether a pooler gives a connection another server process for each transaction: then the session's lock and
/// settings would be left behind in a process that others get next.
///
/// A pooler that keeps a session together never gives a connection's server process to anybody else while that lasts. One
/// that doesn't gives out the process that was idle last, or the next one in turn.
struct PoolerCheck {
    private let connection: PostgresConnection
    private let parameters: ConnectionParameters
    private let target: String

    private static let rounds = 4
    /// How long a second server process is waited for: a pool that is used up is one that keeps sessions together.
    private static let patience = Duration.seconds(2)

    init(_ connection: PostgresConnection, _ parameters: ConnectionParameters, target: String) {
        self.connection = connection
        self.parameters = parameters
        self.target = target
    }

    /// - Throws: `PipelineError` of kind `.configuration`; `PostgresFailure` of the connection itself.
    func perform() throws {
        // A pooler makes its clients' numbers up. Without one there is nothing to find out.
        let first = try process()
        if connection.announcedProcess == first { return }
        let other: PostgresConnection
        do { other = try PostgresConnection(parameters) } catch is PostgresFailure {
            // No second connection is to be had, which says nothing of the first one.
            return
        }
        defer { other.close() }
        for _ in 0..<Self.rounds {
            let own = try process()
            if own != first { throw refusal("transaction") }
            do {
                guard
                    let held = try other.execute(
                        "BEGIN; SELECT pg_catalog.pg_backend_pid()", patience: Self.patience)
                else { return }
                if held.integer(0, 0) == own { throw refusal("transaction") }
                guard try other.execute("ROLLBACK", patience: Self.patience) != nil else { return }
            } catch let failure as PostgresFailure {
                if failure.sqlState == "08P01", failure.message.contains("statement pooling") {
                    throw refusal("statement")
                }
                return
            }
        }
    }

    private func process() throws -> Int { try connection.query("SELECT pg_catalog.pg_backend_pid()").integer(0, 0) }

    private func refusal(_ mode: String) -> PipelineError {
        PipelineError(
            .configuration,
            "\(target): the pooler there is in \(mode) mode, so a session's lock and settings don't stay with it",
            hint:
                "Use session mode for this database (PgBouncer: pool_mode = session), or connect to the server itself.")
    }
}

extension PostgresConnection {
    /// The server process's number as it was announced when the connection was made.
    fileprivate var announcedProcess: Int { Int(PQbackendPID(handle)) }

    /// Runs statements; the result of the last one, nil where it doesn't come in time.
    fileprivate func execute(_ sql: String, patience: Duration) throws -> PostgresResult? {
        try send { PQsendQuery($0, sql) }
        let end = ContinuousClock.now + patience
        var last: PostgresResult?
        while true {
            while isOpen, PQisBusy(handle) == 1 {
                guard ContinuousClock.now < end, !Task.isCancelled else { return nil }
                guard exchange() else { throw brokenConnection() }
            }
            guard let result = takeResult() else { break }
            if result.isFailure { throw failure(result) }
            last = result
        }
        return last
    }
}
