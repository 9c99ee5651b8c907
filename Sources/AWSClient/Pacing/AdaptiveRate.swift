/// Finds the rate that a service allows, below a configured ceiling. Pure; times in monotonic seconds.
///
/// A service's limiter is a bucket, and when it says "too many requests" the bucket is empty. So between two such
/// moments it accepted at most what it refilled: accepted ÷ elapsed measures its rate, and never overestimates it.
/// After a throttled answer the rate drops a little below that measure and then climbs past it slowly, until the next
/// one: what is saved up below the limit is spent above it, and next to nothing is lost. Before there is a measure, the
/// climb is fast, and slows down with each throttled answer.
///
/// The SDKs' adaptive mode reaches 44 to 90 % of a limit, because each throttled answer of a flight cuts the rate
/// again. Here one flight cuts it once: throttled answers to requests sent before the last cut change nothing.
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
    private var firstSent: Double?
    private var lastCut = -Double.infinity
    /// Answers to requests sent since the last cut that weren't throttled.
    private var acceptedSinceCut = 0
    /// Growth of the search per second, as an exponent; nil once the limit is measured.
    private var search: Double? = Self.firstSearch
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
        rate = max(estimate * Self.startBelow, Self.minimumRate)
        search = nil
    }

    /// Time passes in which calls wait for nothing but the rate. Idle time raises nothing.
    package mutating func waited(_ seconds: Double) {
        guard let estimate, seconds > 0 else { return }
        if let search {
            rate *= 1 + search * min(seconds, 0.5)
        } else if rate < estimate * Self.probeUpTo {
            rate += estimate * Self.climb * seconds
        } else {
            // Nothing was refused where it should have been: the limit has risen.
            search = Self.laterSearch
        }
        if rate >= ceiling {
            rate = ceiling
            self.estimate = nil
            search = Self.firstSearch
            marks.removeAll()
        }
    }

    /// Notes an answer.
    ///
    /// - Returns: true where the rate was cut.
    package mutating func answered(isThrottled: Bool, sentAt: Double, now: Double) -> Bool {
        let start = firstSent ?? sentAt
        firstSent = start
        noise.note(isThrottled: isThrottled, now: now)
        guard isThrottled else {
            accepted += 1
            if sentAt >= lastCut { acceptedSinceCut += 1 }
            return false
        }
        guard sentAt >= lastCut, !noise.isFound else { return false }
        let limit: Double
        if let estimate {
            if now - lastCut < Self.settlingTime, rate <= estimate {
                // The last cut wasn't enough. Cut by the share that seems to be refused, by half at most.
                limit = rate * max(0.5, Double(acceptedSinceCut + 1) / Double(acceptedSinceCut + 2))
                search = max(search ?? 0, Self.laterSearch)
                marks.removeAll()
            } else {
                limit = min(rate, max(measure(now: now) ?? estimate, rate / 2))
                search = search.flatMap { $0 / 3 < Self.slowestSearch ? nil : $0 / 3 }
            }
        } else {
            // The bucket was full at the start, so what it accepted until now is far too much.
            let soFar = Double(accepted) / max(now - start, 0.001)
            limit = min(rate, max(soFar, Self.minimumRate)) / 2
            search = Self.firstSearch
        }
        cut(to: max(limit, Self.minimumRate), now: now)
        return true
    }

    private mutating func cut(to limit: Double, now: Double) {
        estimate = limit
        rate = max(limit * Self.startBelow, Self.minimumRate)
        pause = min(Self.pauseRequests / limit, 1)
        lastCut = now
        noise.cut(to: rate)
        acceptedSinceCut = 0
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
    private static let startBelow = 0.97
    /// … climbs by this share of the limit per second, so that it is at the limit after 5 s, and has spent what was
    /// saved (at 300/s 22 requests) after 10 s …
    private static let climb = 0.006
    /// … and beyond this share the limit must have risen.
    private static let probeUpTo = 1.06
    private static let firstSearch = 2.0
    private static let laterSearch = 0.5
    private static let slowestSearch = 0.1
    /// Throttled again sooner than this, the cut wasn't enough; a shorter time measures nothing.
    private static let settlingTime = 0.25
    private static let pauseRequests = 5.0
    private static let onTheWay = 2
    private static let memory = 30.0
    private static let marksKept = 8
}
