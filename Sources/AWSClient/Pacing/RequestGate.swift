package import NIOCore
internal import Synchronization

/// The door that every attempt passes: `Admission` with a clock, a lock and suspended tasks.
///
/// An attempt that needn't wait passes without suspending.
package final class RequestGate: Sendable {
    /// A task that waits.
    private typealias Waiter = CheckedContinuation<AdmissionGrant, any Error>

    private struct State {
        var admission: Admission<Waiter>
        var statistics = AttemptStatistics()
        /// The earliest time for which a timer is set.
        var timer = Double.infinity
    }

    private let state: Mutex<State>
    private let start = ContinuousClock.now
    private let eventLoop: any EventLoop

    /// - Parameters: as of `Admission`.
    package init(
        rate: Double, burst: Double, adapts: Bool, outage: Double, concurrency: Int = 64, eventLoop: any EventLoop
    ) {
        state = Mutex(
            State(
                admission: Admission(
                    rate: rate, burst: burst, adapts: adapts, outage: outage, concurrency: concurrency, now: 0)))
        self.eventLoop = eventLoop
    }

    /// Monotonic seconds since this gate was made.
    package var now: Double { (ContinuousClock.now - start) / .seconds(1) }

    /// Waits until an attempt may go out.
    ///
    /// - Parameter limit: when to give up waiting, in monotonic seconds; nil for never.
    /// - Returns: when it was let go, in monotonic seconds; nil where it gave up.
    /// - Throws: `CancellationError`, or `Outage` where nothing goes out any more.
    package func admit(until limit: Double? = nil) async throws -> Double? {
        let now = now
        let grant = state.withLock { $0.admission.admit(now: now) }
        switch grant {
        case .admitted?: return now
        case .ended?: throw outage
        case .quota?, .expired?, nil: break
        }
        switch try await wait({ $0.enqueue($1, until: limit, now: $2) }) {
        case .ended: throw outage
        case .expired: return nil
        case .admitted, .quota: return self.now
        }
    }

    /// Seconds so far for which the circuit was open.
    package var outageSeconds: Double {
        let now = now
        return state.withLock { $0.admission.outageSeconds(now: now) }
    }

    /// Waits until the retry quota lets a retry pass.
    ///
    /// - Parameter limit: when to give up waiting, in monotonic seconds; nil for never.
    /// - Returns: what it paid; nil where it gave up.
    package func takeQuota(_ cost: Int, until limit: Double? = nil) async throws -> Int? {
        let now = now
        var grant = state.withLock { $0.admission.takeQuota(cost, now: now) }
        if grant == nil {
            grant = try await wait { admission, waiter, _ in admission.enqueue(waiter, cost: cost, until: limit) }
        }
        switch grant {
        case .quota(let paid): return paid
        case .expired: return nil
        case .admitted, .ended, nil: return 0
        }
    }

    /// Notes that an attempt goes out.
    package func sent(isRetry: Bool) {
        state.withLock { state in
            state.statistics.requests += 1
            if isRetry { state.statistics.retries += 1 }
        }
    }

    /// Notes how an attempt ended.
    ///
    /// - Parameters:
    ///   - call: which call the attempt was one of.
    ///   - holdFor: seconds of a Retry-After.
    ///   - failure: words for an outage's message; without personal data.
    /// - Returns: true where the failure is an outage's, and counts against no call.
    package func finished(
        _ attempt: AttemptResult, sentAt: Double, paid: Int?, call: UInt64 = 0, holdFor: Double? = nil,
        failure: String? = nil
    ) -> Bool {
        let now = now
        let (isOutage, actions) = state.withLock { state in
            let isOutage = state.admission.finished(
                attempt, sentAt: sentAt, paid: paid, call: call, now: now)
            if let holdFor { state.admission.hold(until: now + holdFor) }
            if let failure { state.statistics.lastFailure = failure }
            state.statistics.note(attempt, latency: now - sentAt)
            return (isOutage, state.admission.waiting == 0 ? Actions() : Self.pump(&state, now: now))
        }
        perform(actions, now: now)
        return isOutage
    }

    /// Takes what an earlier process learned.
    package func restore(rate: Double) {
        let now = now
        state.withLock { $0.admission.restore(rate: rate, now: now) }
    }

    /// What has happened so far.
    package var snapshot: AttemptStatistics {
        let now = now
        return state.withLock { state in
            var statistics = state.statistics
            statistics.allowedRate = state.admission.allowedRate
            statistics.learnedRate = state.admission.adaptive?.estimate
            if let since = state.admission.circuit.openSince {
                statistics.hold =
                    "no answer from the service for \(Int(now - since)) s (\(statistics.lastFailure ?? "outage"))"
            } else if state.admission.heldUntil > now {
                statistics.hold =
                    "the service asked to wait for \(Int((state.admission.heldUntil - now).rounded(.up))) s"
            }
            return statistics
        }
    }

    /// True while an open circuit or a Retry-After holds all attempts.
    package var isHeld: Bool {
        let now = now
        return state.withLock { $0.admission.circuit.isOpen || $0.admission.heldUntil > now }
    }

    /// True while everybody is throttled, but not yet for as long as an outage may last.
    package var mayBeThrottlingEverybody: Bool { state.withLock { $0.admission.stretch.mayBeOutage } }

    /// Tasks that wait for a token or the quota.
    package var waiting: Int { state.withLock { $0.admission.waiting } }

    private var outage: Outage {
        state.withLock { state in
            Outage(
                end: state.admission.end ?? .away, lastFailure: state.statistics.lastFailure ?? "no answer",
                throttledSince: state.admission.stretch.since ?? 0, throttled: state.admission.stretch.attempts)
        }
    }

    /// What is to be done once the lock is released.
    private struct Actions {
        var released: [(waiter: Waiter, grant: AdmissionGrant)] = []
        /// A time for which to set a timer.
        var timer: Double?
    }

    private static func pump(_ state: inout State, now: Double) -> Actions {
        var actions = Actions(released: state.admission.pump(now: now))
        if let next = state.admission.nextEvent(now: now), next < state.timer {
            state.timer = next
            actions.timer = next
        }
        return actions
    }

    private func perform(_ actions: Actions, now: Double) {
        for (waiter, grant) in actions.released { waiter.resume(returning: grant) }
        guard let timer = actions.timer else { return }
        // Rounded up, or a timer that comes a hair early would find nothing to do and be set again.
        let delay = Int64(max(0, (timer - now) * 1e9).rounded(.up)) + 1000
        eventLoop.scheduleTask(in: .nanoseconds(delay)) { self.timerFired(timer) }
    }

    private func timerFired(_ time: Double) {
        let now = now
        let actions = state.withLock { state in
            // A later timer than the one that is set now was overtaken; it may pump, but clears nothing.
            if time <= state.timer { state.timer = .infinity }
            return Self.pump(&state, now: now)
        }
        perform(actions, now: now)
    }

    private func wait(
        _ enqueue: (inout Admission<Waiter>, Waiter, Double) -> UInt64
    ) async throws -> AdmissionGrant {
        // The ticket is known only once the task is suspended; the handler may run before that.
        let ticket = Mutex<UInt64?>(nil)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let now = now
                let actions = state.withLock { state in
                    let number = enqueue(&state.admission, continuation, now)
                    ticket.withLock { $0 = number }
                    return Self.pump(&state, now: now)
                }
                perform(actions, now: now)
                if Task.isCancelled { cancel(ticket.withLock { $0 }) }
            }
        } onCancel: {
            cancel(ticket.withLock { $0 })
        }
    }

    private func cancel(_ ticket: UInt64?) {
        guard let ticket else { return }
        let now = now
        let waiter = state.withLock { $0.admission.remove(ticket: ticket, now: now) }
        waiter?.resume(throwing: CancellationError())
    }
}

/// Nothing goes out any more: the service has been away for too long, or throttled everybody, or was never reached.
package struct Outage: Error, Sendable {
    package let end: AdmissionEnd
    /// What the last attempt met.
    package let lastFailure: String
    /// When the throttled answers began after which none was another one, and how many there were.
    package let throttledSince: Double
    package let throttled: Int
}
