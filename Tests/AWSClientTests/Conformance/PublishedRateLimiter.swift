import Foundation

/// The SDKs' adaptive retry mode as it is published: CUBIC over a token bucket. A model to compare with; the program's
/// own control follows another plan.
///
/// Times in seconds, rates in requests per second.
struct PublishedRateLimiter {
    /// What one wait for a token comes to.
    enum Acquisition: Equatable {
        case granted
        case wait(Double)
    }

    private(set) var isEnabled = false
    private(set) var fillRate = 0.0
    private(set) var maxCapacity = 0.0
    private(set) var capacity = 0.0
    private var refilled: Double?

    private(set) var measuredRate = 0.0
    private var measuredBucket = 0.0
    private var requests = 0.0

    private var cubic = Cubic(lastMaxRate: 0, lastThrottle: 0)

    /// The curve along which the rate grows.
    struct Cubic {
        private static let beta = 0.7
        private static let scale = 0.4

        var lastMaxRate: Double
        var lastThrottle: Double

        /// Seconds until the curve is back at `lastMaxRate`.
        var timeWindow: Double { cbrt(lastMaxRate * (1 - Self.beta) / Self.scale) }

        func success(now: Double) -> Double {
            let beyond = now - lastThrottle - timeWindow
            return Self.scale * beyond * beyond * beyond + lastMaxRate
        }

        /// - Parameter remembersCut: the rate behind the cut is what the curve returns to; published code takes the one
        ///   before it, and the tests of two SDKs the one behind it.
        mutating func throttle(rate: Double, now: Double, remembersCut: Bool = false) -> Double {
            let cut = rate * Self.beta
            lastMaxRate = remembersCut ? cut : rate
            lastThrottle = now
            return cut
        }
    }

    /// With a bucket that limits from the start: `fillRate` tokens a second, `maxCapacity` at most, `capacity` now.
    init(fillRate: Double, maxCapacity: Double, capacity: Double, now: Double) {
        isEnabled = true
        self.fillRate = fillRate
        self.maxCapacity = maxCapacity
        self.capacity = capacity
        refilled = now
    }

    /// Limits nothing before the first throttled answer.
    init() {}

    mutating func acquire(now: Double) -> Acquisition {
        guard isEnabled else { return .granted }
        refill(now: now)
        let shortfall = (1 - capacity) / fillRate
        // No clock measures less than a nanosecond: a wait of nothing would be asked for again and again.
        guard shortfall < 1e-9 else { return .wait(shortfall) }
        capacity = max(0, capacity - 1)
        return .granted
    }

    /// An answer came.
    mutating func update(isThrottled: Bool, now: Double) {
        measure(now: now)
        let calculated: Double
        if isThrottled {
            calculated = cubic.throttle(rate: isEnabled ? min(measuredRate, fillRate) : measuredRate, now: now)
            isEnabled = true
        } else {
            calculated = cubic.success(now: now)
        }
        limit(to: min(calculated, 2 * measuredRate), now: now)
    }

    mutating func limit(to rate: Double, now: Double) {
        refill(now: now)
        fillRate = max(rate, 0.5)
        maxCapacity = max(rate, 1)
        capacity = min(capacity, maxCapacity)
    }

    private mutating func refill(now: Double) {
        if let refilled { capacity = min(maxCapacity, capacity + (now - refilled) * fillRate) }
        refilled = now
    }

    /// Requests in windows of half a second, smoothed.
    private mutating func measure(now: Double) {
        let bucket = (now * 2).rounded(.down) / 2
        requests += 1
        guard bucket > measuredBucket else { return }
        measuredRate = requests / (bucket - measuredBucket) * 0.8 + measuredRate * 0.2
        requests = 0
        measuredBucket = bucket
    }
}
