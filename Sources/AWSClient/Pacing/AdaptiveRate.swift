/// Finds the rate that a service allows, below a configured ceiling. Pure; times in monotonic seconds.
///
/// A service's limiter is a bucket, and when it says "too many requests" the bucket is empty. So between two such
/// moments it accepted at most what it refilled: accepted ÷ elapsed measures its rate, and never overestimates it.
/// After a throttled answer the rate drops a little below that measure and then climbs past it slowly, until the next
/// one: what is saved up below the limit is spent above it, and next to nothing is lost. Where no answer is throttled
/// although the rate is well above the measure, the limit has risen, and the climb becomes faster and faster.
///
/// The SDKs' adaptive mode reaches 44 to 90 % of a limit, because each throttled answer of a flight cuts the rate
/// again. Here one flight cuts it once, and never below what was accepted within the last second: throttled answers to
/// requests sent before the last cut change nothing.
package struct AdaptiveRate: Sendable {
    /// A moment at which the service's bucket was empty.
    private struct Mark {
        var time: Double
        var accepted: Int
    }

    /// The configured rate.
    package let ceiling: Double
    /// What may be sent now, per second; never above the ceiling.
    package private(set) var rate: Double
    /// The service's limit as far as it is known; nil while nothing was throttled.
    package private(set) var estimate: Double?
    /// Seconds for which nothing should go out after a cut: the service's bucket gains a few tokens, so that requests
    /// that happen to arrive together aren't refused again.
    package private(set) var pause = 0.0

    private var marks: [Mark] = []
    private var accepted = 0
    private var lastCut = -Double.infinity
    /// The search's growth per second, as an exponent; nil near a measured limit.
    private var growth: Double?
    /// The search goes on from a measure that an earlier one outran.
    private var isSecondSearch = false
    private var recent = RecentAnswers()
    private var noise = ThrottleNoise()

    /// - Parameter ceiling: above 0, per second.
    package init(ceiling: Double) {
        self.ceiling = ceiling
        rate = ceiling
    }

    /// Takes an estimate that an earlier process learned.
    package mutating func restore(estimate: Double) {
        guard estimate.isFinite, estimate > 0, estimate < ceiling else { return }
        self.estimate = max(estimate, Self.minimumRate)
        rate = min(ceiling, max(estimate * Self.startBelow, Self.minimumRate))
        growth = nil
    }

    /// Time passes in which calls wait for nothing but the rate. Idle time raises nothing.
    package mutating func waited(_ seconds: Double) {
        guard let estimate, seconds > 0 else { return }
        let step = min(seconds, 0.5)
        if let growth {
            rate *= 1 + growth * step
            self.growth = min(growth * (1 + Self.acceleration * step), Self.fastestGrowth)
        } else if rate < estimate * Self.probeUpTo {
            rate = min(rate + estimate * Self.climb * seconds, estimate * Self.probeUpTo)
        } else {
            // Nothing was refused where it should have been: the limit has risen.
            growth = Self.slowestGrowth
        }
        if rate >= ceiling { reachCeiling() }
    }

    private mutating func reachCeiling() {
        rate = ceiling
        estimate = nil
        growth = nil
        marks.removeAll()
    }

    /// Notes an answer.
    ///
    /// - Returns: true where the rate was changed because of it.
    package mutating func answered(isThrottled: Bool, sentAt: Double, now: Double) -> Bool {
        recent.note(isThrottled: isThrottled, now: now)
        if !isThrottled { accepted += 1 }
        guard noise.isTelling(isThrottled: isThrottled, now: now), sentAt >= lastCut else { return false }
        guard let estimate else {
            // What was accepted so far may be too much, for the bucket was full, or too little. Where the limit was
            // passed, more will be refused within the same flight.
            guard recent.isHeavilyThrottled(now: now) || recent.isWhole(now: now) else { return false }
            cut(to: min(rate, recent.accepted(now: now)), growth: Self.slowestGrowth, now: now)
            return true
        }
        if growth != nil, rate > estimate { return endSearch(now: now) }
        if rate > estimate * Self.nearLimit, now - lastCut >= Self.settlingTime {
            // A service that counts by the second refuses until its second ends: from one such moment to another it may
            // have accepted a second's worth too much. Within one second it can't have.
            let lately = recent.accepted(now: now)
            let found = min(max(measure(now: now) ?? estimate, lately * Self.goodMeasure), lately)
            cut(to: min(rate, max(found, rate / 2)), growth: growth, now: now)
            return true
        }
        return contradicted(sentAt: sentAt, now: now)
    }

    /// Throttled in a search: the limit lies below the rate.
    private mutating func endSearch(now: Double) -> Bool {
        marks.removeAll()
        let found = min(rate, max(recent.accepted(now: now), rate / 2))
        // A fast search outruns its measure: then it goes on, slowly, once.
        let goesOn = found < rate * Self.goodMeasure && !isSecondSearch
        isSecondSearch = goesOn
        cut(to: found, growth: goesOn ? Self.slowestGrowth : nil, now: now)
        return true
    }

    /// Throttled although the rate lies below the limit as it was known: the limit has dropped, or this is noise.
    private mutating func contradicted(sentAt: Double, now: Double) -> Bool {
        let isWhole = recent.isWhole(now: now)
        let found = isWhole ? recent.accepted(now: now) : max(recent.accepted(now: now), rate / 2)
        // Below what was accepted within a second it isn't cut, and not before the whole of that second is of requests
        // sent after the last cut: a service that counts by the second refuses all until its second ends.
        guard found < rate, sentAt - lastCut >= Self.settlingTime else { return false }
        marks.removeAll()
        cut(to: found, growth: nil, now: now)
        return true
    }

    /// Goes a little below the limit as it was measured; or back to an earlier measure, where going down is in vain.
    private mutating func cut(to limit: Double, growth: Double?, now: Double) {
        let limit = max(limit, Self.minimumRate)
        lastCut = now
        if let before = noise.cut(to: limit, isHeavy: recent.isHeavilyThrottled(now: now), now: now) {
            (rate, estimate, pause) = (before, before, 0)
            self.growth = nil
            marks.removeAll()
            if rate >= ceiling { reachCeiling() }
            return
        }
        self.growth = growth
        estimate = limit
        rate = min(ceiling, max(limit * Self.startBelow, Self.minimumRate))
        pause = min(Self.pauseRequests / limit, 1)
        marks.removeAll { now - $0.time > Self.memory }
        if marks.count == Self.marksKept { marks.removeFirst() }
        marks.append(Mark(time: now, accepted: accepted))
    }

    /// The best of what was accepted since earlier marks, per second. Each of them may be too low, where the bucket was
    /// full in between; too high it is by what was on its way, which is taken off.
    private func measure(now: Double) -> Double? {
        marks.lazy.filter { now - $0.time >= Self.settlingTime }
            .map { Double(accepted - $0.accepted - Self.onTheWay) / (now - $0.time) }
            .max()
    }

    private static let minimumRate = 0.5
    /// Behind a throttled answer the rate starts at this share of the limit …
    private static let startBelow = 0.98
    /// … climbs by this share of the limit per second, so that it is at the limit after 5 s, and has spent what was
    /// saved (at 300/s 22 requests) after 10 s …
    private static let climb = 0.008
    /// … and beyond this share, 12 s after the cut, the limit must have risen.
    private static let probeUpTo = 1.035
    /// Below this share of the limit nothing should be throttled.
    private static let nearLimit = 0.99
    /// A search grows threefold within 2 s, and no faster than this.
    private static let slowestGrowth = 0.1
    private static let acceleration = 2.2
    private static let fastestGrowth = 2.0
    private static let goodMeasure = 0.95
    /// A shorter time measures nothing.
    private static let settlingTime = 1.0
    private static let pauseRequests = 5.0
    private static let onTheWay = 2
    private static let memory = 30.0
    private static let marksKept = 8
}
