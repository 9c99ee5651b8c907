/// Tells a limit from answers that are throttled at random: by a proxy, by another limiter, by a server under test.
///
/// A limit that is undercut stops throttling. So when the rate has fallen far below one that was served well for
/// seconds, and no stretch of heavy throttling lies in between, which a limit that dropped would have caused, cutting
/// doesn't help: from then on only heavy throttling counts. Pure; times in monotonic seconds.
struct ThrottleNoise: Sendable {
    /// True where single throttled answers say nothing about a limit.
    private(set) var isFound = false
    /// The best rate that was served with few throttled answers over a whole window, per second.
    private var proven: Double?
    /// The last 64 answers, a bit each: set where it was throttled.
    private var history: UInt64 = 0
    private var windowStart: Double?
    private var served = 0
    private var throttled = 0

    /// Many of the last answers were throttled.
    var isHeavy: Bool { history.nonzeroBitCount >= Self.heavyCount }

    mutating func note(isThrottled: Bool, now: Double) {
        history = history << 1 | (isThrottled ? 1 : 0)
        if isHeavy {
            isFound = false
            proven = nil
            windowStart = nil
        }
        let start = windowStart ?? now
        if windowStart == nil { (windowStart, served, throttled) = (now, 0, 0) }
        if isThrottled { throttled += 1 } else { served += 1 }
        let elapsed = now - start
        guard elapsed >= Self.window else { return }
        if served >= Self.leastServed, Double(throttled) < Self.fewThrottled * Double(served + throttled) {
            proven = max(proven ?? 0, Double(served) / elapsed)
        }
        windowStart = nil
    }

    /// Notes what the rate was cut to.
    mutating func cut(to rate: Double) {
        if let proven, rate < Self.farBelow * proven, !isHeavy { isFound = true }
    }

    /// Of 64: a fifth. At random with 5 % it is as many once in 100,000 answers.
    private static let heavyCount = 13
    private static let window = 2.0
    private static let leastServed = 20
    private static let fewThrottled = 0.1
    private static let farBelow = 0.6
}
