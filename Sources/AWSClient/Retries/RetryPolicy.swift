internal import AWSSigning

/// How often and how fast a call is repeated: full jitter, as in the SDKs' retry behaviour 2.1.
public struct RetryPolicy: Sendable, Hashable {
    /// Attempts that may end without a usable answer, the first one included; throttled ones don't count. At least 1.
    public var maxAttempts: Int
    /// The longest delay between two attempts, in seconds.
    public var maxDelay: Double
    /// Seconds a call may take, counted from its first attempt, without the time it waits for the rate limit, the retry
    /// quota, a Retry-After or the circuit; of those only the circuit isn't counted for the users at the end.
    public var deadline: Double
    /// Seconds that an outage may last before everything ends.
    public var outage: Double

    public init(maxAttempts: Int = 8, maxDelay: Double = 20, deadline: Double = 120, outage: Double = 900) {
        self.maxAttempts = max(1, maxAttempts)
        self.maxDelay = maxDelay
        self.deadline = deadline
        self.outage = outage
    }

    /// Seconds before retry `index`, from 0.
    ///
    /// - Parameters:
    ///   - random: 0 ..< 1
    ///   - retryAfterHeader: the value of `x-amz-retry-after`, in milliseconds. It lengthens the delay by at most 5 s;
    ///     what isn't a number of milliseconds is ignored.
    public func delay(retry index: Int, isThrottling: Bool, random: Double, retryAfterHeader: String? = nil) -> Double {
        let base = isThrottling ? 1.0 : 0.05
        // The exponent is bounded, or the power would overflow into infinity times zero.
        let step = base * Double(1 << min(max(index, 0), 40))
        let delay = random * min(step, maxDelay)
        guard let retryAfterHeader, let milliseconds = Int(retryAfterHeader), milliseconds >= 0 else { return delay }
        return min(max(Double(milliseconds) / 1000, delay), delay + 5)
    }

    /// Seconds that a `Retry-After` header asks for: a number of seconds or an HTTP date. Nil where it is neither.
    ///
    /// - Parameter unixNow: the clock of whoever answered, in seconds since 1970: a date is read against the answer's own
    ///   `Date`, since this machine's clock may be minutes off.
    public static func retryAfter(_ value: String, unixNow: Int) -> Double? {
        let text = value.drop { $0 == " " }
        if let seconds = Int(text) { return seconds >= 0 ? Double(seconds) : nil }
        return HTTPDate.unixSeconds(String(text)).map { Double(max(0, $0 - unixNow)) }
    }
}
