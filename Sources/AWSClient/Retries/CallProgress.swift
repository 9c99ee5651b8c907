/// What one call has behind it, and what is left of its attempts and its deadline. Pure; times in monotonic seconds.
package struct CallProgress: Sendable {
    package let retry: RetryPolicy
    /// The ID that all attempts of the call share.
    package let invocationID = InvocationID.make()
    /// Attempts sent.
    package var attempts = 0
    /// Seconds since the first attempt that don't count against the deadline.
    package var paused = 0.0
    /// Attempts that count against `maxAttempts`.
    private var failures = 0
    /// Delays so far, since the last outage.
    private var retries = 0
    private var firstAttempt: Double?

    /// Waits for throttling count against the deadline; only the circuit's don't.
    package let countsThrottling: Bool

    package init(retry: RetryPolicy, countsThrottling: Bool = false) {
        self.retry = retry
        self.countsThrottling = countsThrottling
    }

    /// An attempt may go out, after it waited for the rate, a Retry-After or the circuit. The deadline begins with the
    /// first one, and stands still while a later one waits.
    ///
    /// - Parameter outage: seconds of the wait for which the circuit was open.
    package mutating func wasAdmitted(at now: Double, askedAt: Double, outage: Double = 0) {
        if firstAttempt == nil { firstAttempt = now } else { waited(now - askedAt, outage: outage) }
    }

    /// A wait for the rate, the quota, a Retry-After or the circuit, in seconds; `outage` of them for the circuit.
    package mutating func waited(_ seconds: Double, outage: Double) { paused += countsThrottling ? outage : seconds }

    /// When a wait must end at the latest, in monotonic seconds; nil for no limit.
    package func limit(now: Double) -> Double? {
        countsThrottling && firstAttempt != nil ? now + max(0, remaining(now: now)) : nil
    }

    /// The last attempt's time went to an outage, and so do the delays so far.
    package mutating func wasOutage(seconds: Double) {
        paused += seconds
        retries = 0
    }

    /// All the call's time so far went to an outage: its deadline begins anew, and so do the delays.
    package mutating func begunAnew(at now: Double) { wasOutage(seconds: retry.deadline - remaining(now: now)) }

    /// Seconds until the deadline; not above 0 where it has passed.
    package func remaining(now: Double) -> Double {
        guard let firstAttempt else { return retry.deadline }
        return retry.deadline - (now - firstAttempt - paused)
    }

    /// Seconds since the first attempt, all waits included.
    package func elapsed(now: Double) -> Double { firstAttempt.map { now - $0 } ?? 0 }

    /// Notes an attempt without a usable answer.
    ///
    /// - Parameters:
    ///   - retryAfterHeader: the value of `x-amz-retry-after`. What it adds to the delay isn't the call's time.
    ///   - random: 0 ..< 1
    /// - Returns: seconds to wait before the next attempt; nil where the call has used its attempts, or would sleep
    ///   beyond its deadline.
    package mutating func delay(
        isThrottling: Bool, retryAfterHeader: String?, random: Double, now: Double
    ) -> Double? {
        if !isThrottling { failures += 1 }
        let own = retry.delay(retry: retries, isThrottling: isThrottling, random: random)
        guard failures < retry.maxAttempts, own < remaining(now: now) else { return nil }
        let delay = retry.delay(
            retry: retries, isThrottling: isThrottling, random: random, retryAfterHeader: retryAfterHeader)
        guard !countsThrottling || delay < remaining(now: now) else { return nil }
        waited(delay - own, outage: 0)
        retries += 1
        return delay
    }

    /// The fault that ends the call, with what the call took.
    ///
    /// - Parameter isThrottling: the time was up while the call was throttled.
    func complete(_ fault: ServiceFault, isThrottling: Bool = false, now: Double) -> ServiceFault {
        var fault = fault
        if isThrottling { fault.code = ServiceFault.throttledCode }
        fault.attempts = attempts
        fault.elapsed = elapsed(now: now)
        return fault
    }
}
