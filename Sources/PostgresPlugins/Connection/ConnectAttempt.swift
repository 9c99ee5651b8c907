internal import CPostgres
internal import Dispatch
internal import Synchronization

/// Connecting blocks in libpq for as long as `connect_timeout` says for each host, and for as long as names take to be
/// resolved: it has a thread of its own, which a stop leaves behind.
final class ConnectAttempt: Sendable {
    /// How long a cancelled task still waits.
    private static let grace = Duration.seconds(2)

    private enum State {
        case connecting
        /// The address of what libpq made; 0 where there was no memory.
        case done(UInt)
        case givenUp
    }

    private let state = Mutex(State.connecting)
    private let ended = DispatchSemaphore(value: 0)

    /// - Returns: What libpq made, connected or not; the caller finishes it. Nil where there was no memory.
    /// - Throws: `CancellationError`.
    static func run(_ parameters: ConnectionParameters) throws -> OpaquePointer? {
        let attempt = ConnectAttempt()
        DispatchQueue(label: "sluice.postgres.connect").async { attempt.connect(parameters) }
        var cancelledAt: ContinuousClock.Instant?
        while attempt.ended.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
            guard Task.isCancelled else { continue }
            let since = cancelledAt ?? .now
            cancelledAt = since
            if .now - since > Self.grace { break }
        }
        let address: UInt? = attempt.state.withLock { state in
            if case .done(let address) = state { return address }
            state = .givenUp
            return nil
        }
        guard let address else { throw CancellationError() }
        return OpaquePointer(bitPattern: address)
    }

    private func connect(_ parameters: ConnectionParameters) {
        let handle = parameters.withKeywords { keywords, values in PQconnectStartParams(keywords, values, 1) }
        if let handle {
            // Notices would go to standard error.
            _ = PQsetNoticeReceiver(handle, { _, _ in }, nil)
            // What a server says while a client connects reaches the client as text alone; in the long form that text
            // holds the SQLSTATE. The form can only be asked for between two attempts, hence the reset, which also waits.
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            PQreset(handle)
        }
        let address = UInt(bitPattern: handle)
        let isWanted = state.withLock { state in
            if case .givenUp = state { return false }
            state = .done(address)
            return true
        }
        if !isWanted { PQfinish(OpaquePointer(bitPattern: address)) }
        ended.signal()
    }
}
