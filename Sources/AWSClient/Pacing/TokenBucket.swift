/// A token bucket: `rate` tokens a second, at most `capacity` saved up. Pure; the caller brings the time.
///
/// Times are monotonic seconds from a start that the caller chooses.
package struct TokenBucket: Sendable {
    /// Tokens per second, above 0.
    package private(set) var rate: Double
    /// Tokens that idle time may save, at least 1.
    package private(set) var capacity: Double
    /// What is there now; never negative.
    package private(set) var tokens: Double
    private var updated: Double

    /// Starts full.
    package init(rate: Double, capacity: Double, now: Double) {
        self.rate = max(rate, 1e-6)
        self.capacity = max(capacity, 1)
        tokens = self.capacity
        updated = now
    }

    /// Takes a token where there is one.
    ///
    /// A shortfall of less than a nanosecond grants, so that nobody waits for a time that no clock can measure.
    package mutating func take(now: Double, isContended: Bool = false) -> Bool {
        refill(now: now, isContended: isContended)
        guard (1 - tokens) / rate < 1e-9 else { return false }
        tokens = max(0, tokens - 1)
        return true
    }

    /// When a token will be there; in the past where there is one.
    package var nextToken: Double { updated + max(0, (1 - tokens) / rate) }

    /// Empties the bucket, and lets it refill only from then on.
    package mutating func pause(until time: Double) {
        tokens = 0
        updated = max(updated, time)
    }

    /// Brings the tokens up to date.
    ///
    /// While somebody waits (`isContended`), time by which a timer came late isn't lost: what accrued since the last
    /// call may pass the capacity by `lateness` seconds' worth.
    package mutating func refill(now: Double, isContended: Bool) {
        guard now > updated else { return }
        let limit = isContended ? max(capacity, 1 + rate * Self.lateness) : capacity
        tokens = min(tokens + (now - updated) * rate, max(limit, tokens))
        updated = now
    }

    /// Changes the rate from now on; saved tokens above the new capacity are lost.
    package mutating func adjust(rate: Double, capacity: Double, now: Double) {
        refill(now: now, isContended: true)
        self.rate = max(rate, 1e-6)
        self.capacity = max(capacity, 1)
        tokens = min(tokens, max(self.capacity, 1 + self.rate * Self.lateness))
    }

    private static let lateness = 0.02
}
