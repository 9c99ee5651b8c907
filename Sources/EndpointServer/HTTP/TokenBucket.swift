/// A token bucket: `rate` tokens a second, at most `burst` at once.
package struct TokenBucket: Sendable {
    package let rate: Double
    package let burst: Double
    private var tokens: Double
    private var refilled: UInt64?

    /// Full at first. Rate and burst are positive.
    package init(rate: Double, burst: Double) {
        self.rate = rate
        self.burst = burst
        tokens = burst
    }

    /// - Parameter now: nanoseconds of a monotonic clock.
    /// - Returns: false where no token is left.
    package mutating func take(at now: UInt64) -> Bool {
        let elapsed = Double(now &- min(refilled ?? now, now)) / 1e9
        refilled = max(refilled ?? now, now)
        tokens = min(burst, tokens + elapsed * rate)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
