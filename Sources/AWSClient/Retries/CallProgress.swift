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

    package init(retry: RetryPolicy) { self.retry = retry }

    /// An attempt may go out, after it waited for the rate, a Retry-After or the circuit. The deadline begins with the
    /// first one, and stands still while a later one waits.
    package mutating func wasAdmitted(at now: Double, askedAt: Double) {
        if firstAttempt == nil { firstAttempt = now } else { paused += now - askedAt }
    }

    /// The last attempt's time went to an outage, and so do the delays so far.
    package mutating func wasOutage(seconds: Double) {
        paused += seconds
        retries = 0
    }

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
        paused += delay - own
        retries += 1
        return delay
    }

    /// The fault that ends the call, with what the call took.
    func complete(_ fault: ServiceFault, now: Double) -> ServiceFault {
        var fault = fault
        fault.attempts = attempts
        fault.elapsed = elapsed(now: now)
        return fault
    }
}
