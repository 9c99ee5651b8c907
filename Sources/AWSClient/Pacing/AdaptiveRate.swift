/// Finds the rate that a service allows, below a configured ceiling. Pure; times in monotonic seconds.
///
/// A service's limiter is a bucket, and when it says "too many requests" the bucket is empty. So between two such
/// moments exactly as many requests were accepted as it refilled: accepted ÷ elapsed measures its rate, and can't
/// overestimate it. After a throttled answer the rate drops a little below that measure and then climbs slowly past
/// it, until the next one: what is saved up below the limit is spent above it, and next to nothing is lost.
///
/// The SDKs' adaptive mode reaches 44 to 90 % of a limit, because each throttled answer of a flight cuts the rate
/// again. Here one flight cuts it once: throttled answers to requests sent before the last cut are only noted.
package struct AdaptiveRate: Sendable {
    /// The configured rate.
    package let ceiling: Double
    /// What may be sent now, per second; never above the ceiling.
    package private(set) var rate: Double
    /// The service's limit as far as it is known; nil while nothing was throttled.
    package private(set) var estimate: Double?

    /// From here on `accepted` counts: the last throttled answer, else the first activity.
    private var mark: Double?
    /// The bucket was empty at `mark`, so accepted ÷ elapsed is a measure.
    private var markedEmpty = false
    private var accepted = 0
    private var lastCut = -Double.infinity
    /// Answers to requests sent since the last cut that weren't throttled.
    private var acceptedSinceCut = 0
    /// The estimate was measured over seconds, not guessed.
    private var isMeasured = false

    /// - Parameter ceiling: above 0, per second.
    package init(ceiling: Double) {
        self.ceiling = ceiling
        rate = ceiling
    }

    /// Takes an estimate that an earlier process learned.
    package mutating func restore(estimate: Double) {
        guard estimate.isFinite, estimate > 0, estimate < ceiling else { return }
        self.estimate = max(estimate, Self.minimumRate)
        rate = estimate * Self.startBelow
        isMeasured = true
    }

    /// Time passes in which calls wait for nothing but the rate. Idle time raises nothing.
    package mutating func waited(_ seconds: Double) {
        guard let estimate, seconds > 0 else { return }
        if isMeasured, rate < estimate * Self.probeUpTo {
            rate += estimate * Self.climb * seconds
        } else {
            // Further from what is known, the search is wider.
            rate *= 1 + Self.searchClimb * min(seconds, 1)
        }
        if rate >= ceiling {
            rate = ceiling
            self.estimate = nil
            isMeasured = false
        }
    }

    /// Notes an answer.
    ///
    /// - Returns: true where the rate was cut.
    package mutating func answered(isThrottled: Bool, sentAt: Double, now: Double) -> Bool {
        if mark == nil { mark = sentAt }
        guard isThrottled else {
            accepted += 1
            if sentAt >= lastCut { acceptedSinceCut += 1 }
            return false
        }
        guard sentAt >= lastCut else { return false }
        let elapsed = now - (mark ?? now)
        let measure = elapsed > 0 ? Double(accepted) / elapsed : rate
        let next: Double
        if markedEmpty, elapsed >= Self.measuringTime {
            // Weighted by the time it was measured over: a request more or less in flight is an error of 1 / elapsed.
            let weight = isMeasured ? min(1, elapsed / Self.settledTime) : 1
            let known = min(estimate ?? rate, rate)
            next = min(rate, max(known + weight * (measure - known), rate / 2))
            isMeasured = true
        } else {
            // Too soon for a measure: cut by the share that seems to be refused, by half at most.
            let share = Double(acceptedSinceCut + 1) / Double(acceptedSinceCut + 2)
            next = min(rate, estimate == nil ? max(measure, Self.minimumRate) : rate) * max(0.5, share)
            isMeasured = isMeasured && share > 0.9
        }
        estimate = max(next, Self.minimumRate)
        rate = max(next * Self.startBelow, Self.minimumRate)
        mark = now
        markedEmpty = true
        accepted = 0
        lastCut = now
        acceptedSinceCut = 0
        return true
    }

    private static let minimumRate = 0.5
    /// Behind a throttled answer the rate starts at this share of the limit …
    private static let startBelow = 0.97
    /// … climbs by this share of the limit per second, so that it is at the limit after 5 s, and has spent what was
    /// saved (2.25 s' worth of 3 % at 300/s: 22 requests) after 10 s …
    private static let climb = 0.006
    /// … and beyond this share the limit must have risen.
    private static let probeUpTo = 1.06
    private static let searchClimb = 0.1
    private static let measuringTime = 1.0
    private static let settledTime = 5.0
}
