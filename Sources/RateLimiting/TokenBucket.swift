/// A token bucket: `rate` tokens a second, at most `capacity` saved up. Pure; the caller brings the time.
///
/// Times are monotonic seconds from a start that the caller chooses. A time before the last one counts as the last one.
public struct TokenBucket: Sendable {
    /// Tokens per second, above 0.
    public private(set) var rate: Double
    /// Tokens that idle time may save, at least 1.
    public private(set) var capacity: Double
    /// Below zero where the last token was granted a fraction of a nanosecond early.
    private var balance: Double
    private var updated: Double

    /// Starts full. A rate that isn't positive counts as one token in 12 days, a capacity below 1 as 1.
    public init(rate: Double, capacity: Double, now: Double) {
        self.rate = max(rate, Self.slowest)
        self.capacity = max(capacity, 1)
        balance = self.capacity
        updated = now
    }

    /// What is there now; never negative.
    public var tokens: Double { max(0, balance) }

    /// Takes a token where there is one.
    ///
    /// A shortfall of less than a nanosecond grants, so that nobody waits for a time that no clock can measure. It is owed:
    /// over any stretch of time no more tokens are granted than the capacity and the rate allow.
    ///
    /// - Parameter isContended: Somebody waits for a token; see `refill`.
    public mutating func take(now: Double, isContended: Bool = false) -> Bool {
        refill(now: now, isContended: isContended)
        guard (1 - balance) / rate < 1e-9 else { return false }
        balance -= 1
        return true
    }

    /// When a token will be there; in the past where there is one.
    public var nextToken: Double { updated + max(0, (1 - balance) / rate) }

    /// Empties the bucket, and lets it refill only from then on.
    public mutating func pause(until time: Double) {
        balance = 0
        updated = max(updated, time)
    }

    /// Brings the tokens up to date.
    ///
    /// While somebody waits (`isContended`), time by which a timer came late isn't lost: what accrued since the last
    /// call may pass the capacity by `lateness` seconds' worth.
    public mutating func refill(now: Double, isContended: Bool) {
        guard now > updated else { return }
        let limit = isContended ? max(capacity, 1 + rate * Self.lateness) : capacity
        balance = min(balance + (now - updated) * rate, max(limit, balance))
        updated = now
    }

    /// Changes the rate from now on; saved tokens above the new capacity are lost.
    public mutating func adjust(rate: Double, capacity: Double, now: Double) {
        refill(now: now, isContended: true)
        self.rate = max(rate, Self.slowest)
        self.capacity = max(capacity, 1)
        balance = min(balance, max(self.capacity, 1 + self.rate * Self.lateness))
    }

    private static let lateness = 0.02
    private static let slowest = 1e-6
}
