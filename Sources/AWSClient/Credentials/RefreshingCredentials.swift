internal import AWSSigning
internal import Synchronization

/// How long callers wait for a source of credentials that is away, in seconds.
package struct CredentialPatience: Sendable, Hashable {
    /// Where the source has given none yet.
    package var start: Double
    /// Where it has.
    package var outage: Double
    /// Between two requests to the source.
    package var pause: Double

    package init(start: Double = 30, outage: Double, pause: Double = 1) {
        self.start = start
        self.outage = outage
        self.pause = pause
    }

    /// Whoever asks gets the failure.
    package static let none = CredentialPatience(start: 0, outage: 0)
}

/// Keeps credentials, and renews them by its schedule: one refresh at a time, whoever asks.
final class RefreshingCredentials: Sendable {
    fileprivate typealias Waiter = CheckedContinuation<SigningCredentials, any Error>

    fileprivate struct State {
        var schedule = RefreshSchedule()
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
        var flight: Task<Void, Never>?
        var isShutDown = false
        /// Of the last ones.
        var origin: CredentialOrigin?
        /// Since when callers wait for a source that is away, and why it is.
        var away: (since: ContinuousClock.Instant, reason: String)?
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Double
    private let patience: CredentialPatience
    private let warn: @Sendable (String) -> Void
    private let load: @Sendable () async throws -> LoadedCredentials

    init(
        now: @escaping @Sendable () -> Double, patience: CredentialPatience, warn: @escaping @Sendable (String) -> Void,
        load: @escaping @Sendable () async throws -> LoadedCredentials
    ) {
        self.now = now
        self.patience = patience
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
                ask(rejected, continuation, id)
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    /// While callers wait because the source is away: for how long, and why.
    var hold: String? {
        guard let away = state.withLock(\.away) else { return nil }
        let seconds = Int((ContinuousClock.now - away.since) / .seconds(1))
        return "no credentials for \(seconds) s (\(away.reason))"
    }

    /// Where the last ones came from.
    var origin: CredentialOrigin? { state.withLock(\.origin) }

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
        if let answer { waiter.resume(with: answer) }
    }

    private func start(_ state: inout State) {
        state.flight = Task { await self.refresh() }
    }

    /// Asks the source until it has an answer, nobody waits any more, or patience ends.
    private func refresh() async {
        let began = ContinuousClock.now
        var hasWarned = false
        while true {
            do {
                let loaded = try await load()
                let waiters = state.withLock { state in
                    state.schedule.succeeded(loaded, now: now())
                    state.origin = loaded.origin
                    return state.takeWaiters()
                }
                for waiter in waiters { waiter.resume(returning: loaded.credentials) }
                return
            } catch {
                let outcome = state.withLock { $0.failed(error, since: began, patience, now: now()) }
                if !hasWarned, let warning = outcome.warning {
                    warn(warning)
                    hasWarned = true
                }
                for (waiter, result) in outcome.released { waiter.resume(with: result) }
                guard outcome.goesOn else { return }
            }
            // A cancelled pause ends at the next failure: whoever shuts down has no callers left.
            do { try await Task.sleep(for: .seconds(patience.pause * Double.random(in: 0.75..<1.25))) } catch {
                continue
            }
        }
    }
}

extension RefreshingCredentials.State {
    fileprivate mutating func takeWaiters() -> [RefreshingCredentials.Waiter] {
        defer {
            waiters = [:]
            flight = nil
            away = nil
        }
        return Array(waiters.values)
    }

    typealias Released = [(waiter: RefreshingCredentials.Waiter, result: Result<SigningCredentials, any Error>)]

    /// Sorts those who wait, after a failure: who can go on with the credentials at hand, and who waits on.
    fileprivate mutating func failed(
        _ error: any Error, since began: ContinuousClock.Instant, _ patience: CredentialPatience, now: Double
    ) -> (released: Released, goesOn: Bool, warning: String?) {
        let hasCredentials = schedule.hasCredentials
        let failure = (error as? CredentialError).map { hasCredentials ? $0.afterCredentials : $0 }
        let isAway = failure?.kind == .away
        let old = schedule.failed(isTemporary: isAway, now: now)
        let reason = failure?.message ?? "\(error)"
        let limit = hasCredentials ? patience.outage : patience.start
        let isPatient = isAway && !isShutDown && ContinuousClock.now - began < .seconds(limit)
        if let old {
            let released: Released = takeWaiters().map { ($0, .success(old)) }
            let isCancelled = error is CancellationError
            return (
                released, false,
                isCancelled ? nil : "credentials can't be renewed; those at hand stay in use: \(reason)"
            )
        }
        guard isPatient, !waiters.isEmpty else {
            return (takeWaiters().map { ($0, .failure(failure ?? error)) }, false, nil)
        }
        schedule.goesOn()
        if away == nil { away = (began, reason) } else { away?.reason = reason }
        return ([], true, "there are no credentials for now, and calls wait for them: \(reason)")
    }
}
