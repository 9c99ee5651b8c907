internal import AWSSigning
internal import Synchronization

/// Keeps credentials, and renews them by its schedule: one refresh at a time, whoever asks.
final class RefreshingCredentials: Sendable {
    fileprivate struct Waiter {
        let continuation: CheckedContinuation<SigningCredentials, any Error>
        let rejected: SigningCredentials?
    }

    fileprivate struct State {
        var schedule = RefreshSchedule()
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
        var flight: Task<Void, Never>?
        var isShutDown = false
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Double
    private let warn: @Sendable (String) -> Void
    private let load: @Sendable () async throws -> LoadedCredentials

    init(
        now: @escaping @Sendable () -> Double, warn: @escaping @Sendable (String) -> Void,
        load: @escaping @Sendable () async throws -> LoadedCredentials
    ) {
        self.now = now
        self.warn = warn
        self.load = load
    }

    /// - Throws: `CredentialError`, `CancellationError`
    func credentials(rejected: SigningCredentials?) async throws -> SigningCredentials {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                ask(rejected, Waiter(continuation: continuation, rejected: rejected), id)
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Ends a refresh under way.
    func shutdown() {
        let flight = state.withLock { state in
            state.isShutDown = true
            return state.flight
        }
        flight?.cancel()
    }

    private func ask(_ rejected: SigningCredentials?, _ waiter: Waiter, _ id: Int) {
        let answer: Result<SigningCredentials, any Error>? = state.withLock { state in
            if Task.isCancelled || state.isShutDown { return .failure(CancellationError()) }
            switch state.schedule.ask(rejected: rejected, now: now()) {
            case .use(let credentials, let andRefresh):
                if andRefresh { start(&state) }
                return .success(credentials)
            case .wait(let isFirst):
                state.waiters[id] = waiter
                if isFirst { start(&state) }
                return nil
            }
        }
        if let answer { waiter.continuation.resume(with: answer) }
    }

    private func start(_ state: inout State) {
        state.flight = Task { await self.refresh() }
    }

    private func refresh() async {
        do {
            let loaded = try await load()
            let waiters = state.withLock { state in
                state.schedule.succeeded(loaded, now: now())
                return state.takeWaiters()
            }
            for waiter in waiters { waiter.continuation.resume(returning: loaded.credentials) }
        } catch {
            let failure = error as? CredentialError
            let (old, waiters) = state.withLock { state in
                (state.schedule.failed(isTemporary: failure?.isTemporary ?? false, now: now()), state.takeWaiters())
            }
            if old != nil, !(error is CancellationError) {
                warn("credentials can't be renewed; those at hand stay in use: \(failure?.message ?? "\(error)")")
            }
            for waiter in waiters {
                // Whoever was told that the old ones are no good gets the reason.
                if let old, waiter.rejected != old {
                    waiter.continuation.resume(returning: old)
                } else {
                    waiter.continuation.resume(throwing: error)
                }
            }
        }
    }
}

extension RefreshingCredentials.State {
    fileprivate mutating func takeWaiters() -> [RefreshingCredentials.Waiter] {
        defer {
            waiters = [:]
            flight = nil
        }
        return Array(waiters.values)
    }
}
