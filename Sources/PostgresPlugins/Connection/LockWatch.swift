internal import Dispatch
internal import PipelineCore
internal import Synchronization

/// Finds out what a statement that takes long waits for, over a short connection of its own: a lock that another session
/// holds, or nothing, and it is at work. Whoever watches the run is told.
final class LockWatch: Sendable {
    private struct State {
        /// Counts the statements, so that an answer that comes late is nobody's.
        var statement = 0
        var isAsking = false
        var isTold = false
        var nextLook = LockWatch.firstLook
    }

    /// A statement that has taken as long as this is looked at …
    private static let firstLook = Duration.seconds(1)
    /// … and again so much later where it waits; where it is at work, at intervals that double.
    private static let nextLook = Duration.seconds(2)

    private let parameters: ConnectionParameters
    private let processID: Int
    private let tell: @Sendable (String?) -> Void
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "sluice.postgres.locks")

    /// - Parameters:
    ///   - processID: The server process whose statements are watched.
    ///   - tell: Gets what is waited for, in words, and nil once it isn't any more.
    init(_ parameters: ConnectionParameters, processID: Int, tell: @escaping @Sendable (String?) -> Void) {
        self.parameters = parameters
        self.processID = processID
        self.tell = tell
    }

    /// A statement hasn't ended yet. To be called again and again while it is waited for.
    func isWaiting(for duration: Duration) {
        let statement: Int? = state.withLock { state in
            guard !state.isAsking, duration >= state.nextLook else { return nil }
            state.isAsking = true
            return state.statement
        }
        guard let statement else { return }
        queue.async { [self] in
            // A server that takes no further connection isn't asked.
            let found = try? blocker()
            state.withLock { state in
                state.isAsking = false
                guard state.statement == statement else { return }
                state.nextLook = found == nil ? duration * 2 : duration + Self.nextLook
                if found != nil || state.isTold { tell(found) }
                state.isTold = found != nil
            }
        }
    }

    /// The statement has ended.
    func ended() {
        state.withLock { state in
            state.statement += 1
            state.nextLook = Self.firstLook
            if state.isTold { tell(nil) }
            state.isTold = false
        }
    }

    /// Which lock the process waits for, and who holds it.
    private func blocker() throws -> String? {
        let connection = try PostgresConnection(parameters)
        defer { connection.close() }
        let row = try connection.query(
            """
            SELECT l.relation::regclass::text, b.pid, b.application_name, b.state
            FROM pg_catalog.pg_locks AS l
            LEFT JOIN LATERAL (
                SELECT a.pid, a.application_name, a.state FROM pg_catalog.pg_stat_activity AS a
                WHERE a.pid = ANY (pg_blocking_pids(l.pid)) ORDER BY a.xact_start LIMIT 1) AS b ON true
            WHERE l.pid = $1::int AND NOT l.granted LIMIT 1
            """, [String(processID)])
        guard row.rowCount > 0 else { return nil }
        let what = row.text(0, 0).map { "table \($0) is locked" } ?? "a row is locked"
        guard let holder = row.text(0, 1) else { return what }
        let about = [row.text(0, 2), row.text(0, 3)].compactMap { $0 }.filter { !$0.isEmpty }
            .map { PrintableText.of($0, limit: 40) }.joined(separator: ", ")
        return "\(what) by server process \(holder)" + (about.isEmpty ? "" : " (\(about))")
    }
}
