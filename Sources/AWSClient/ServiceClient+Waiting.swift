internal import AWSSigning
internal import Synchronization

/// What a call waits for, and when it gives up.
extension ServiceClient {
    /// Nil where the call's time is up before it may send.
    func admit(_ call: inout CallProgress) async throws -> Double? {
        do {
            while true {
                let asked = gate.now
                let outage = gate.outageSeconds
                let admitted = try await gate.admit(until: call.limit(now: asked))
                let open = gate.outageSeconds - outage
                if let admitted {
                    call.wasAdmitted(at: admitted, askedAt: asked, outage: open)
                    return admitted
                }
                // The circuit may have been open for a part of the time.
                call.waited(gate.now - asked, outage: open)
                if call.remaining(now: gate.now) <= 0 { return nil }
            }
        } catch let outage as Outage {
            throw error(for: outage)
        }
    }

    /// Nil where the call's time is up before it may send.
    ///
    /// Credentials that have to be waited for cost a call none of its time, and whoever waited long asks anew for leave to
    /// send: a source that comes back must not set all calls free at once.
    func admitWithKey(
        _ call: inout CallProgress, rejected: SigningCredentials?
    ) async throws -> (admitted: Double, key: SigningCredentials)? {
        while true {
            guard let admitted = try await admit(&call) else { return nil }
            let key = try await key(rejected: rejected)
            let now = gate.now
            call.paused += now - admitted
            if now - admitted < 1 { return (now, key) }
        }
    }

    func error(for outage: Outage) -> ServiceClientError {
        let (attempts, since) = silence.withLock { ($0.attempts, $0.since) }
        let elapsed = gate.now - since
        return switch outage.end {
        case .away: .unavailable(lastFailure: outage.lastFailure, attempts: attempts, elapsed: elapsed)
        case .unreachable: .unreachable(lastFailure: outage.lastFailure, attempts: attempts, elapsed: elapsed)
        case .throttled:
            .throttled(
                lastFailure: outage.lastFailure, attempts: outage.throttled,
                elapsed: gate.now - outage.throttledSince)
        }
    }

    /// Nil where the call's time is up before the quota lets its retry pass.
    func takeQuota(isThrottling: Bool, _ call: inout CallProgress) async throws -> Int? {
        let asked = gate.now
        let outage = gate.outageSeconds
        let paid = try await gate.takeQuota(
            isThrottling ? RetryQuota.throttlingCost : RetryQuota.retryCost, until: call.limit(now: asked))
        call.waited(gate.now - asked, outage: gate.outageSeconds - outage)
        return paid
    }

    func delay<Value: Sendable>(after result: AttemptOutcome<Value>, of call: inout CallProgress) -> Double? {
        call.delay(
            isThrottling: result.verdict.isThrottling, retryAfterHeader: result.retryAfterMilliseconds,
            random: Double.random(in: 0..<1), now: gate.now)
    }

    /// Whether a call whose time is up gets it anew. While nobody is answered, being throttled is no call's own fault: the
    /// service is as good as away, or about to answer.
    func goesOn<Value: Sendable>(_ call: inout CallProgress, _ last: Verdict<Value>?) -> Bool {
        guard last?.isThrottling == true, gate.mayBeThrottlingEverybody else { return false }
        call.begunAnew(at: gate.now)
        return true
    }

    /// The call has used its attempts or its time; what its last attempt met is why.
    func timeIsUp<Value>(_ call: CallProgress, _ last: Verdict<Value>?) -> Reply<Value> {
        let fault = last?.fault ?? ServiceFault(code: "Unknown", message: "no usable answer")
        return .failed(call.complete(fault, isThrottling: last?.isThrottling ?? false, now: gate.now))
    }
}
