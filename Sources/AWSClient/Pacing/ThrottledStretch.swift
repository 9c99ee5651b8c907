/// Tells a service that throttles everybody from one that throttles a few users. Pure; times in monotonic seconds.
///
/// Where no call gets anything but "too many requests" for as long as an outage may last, the service is as good as away.
/// A few calls that are throttled for ever while others were answered are no outage: each ends by its own deadline.
package struct ThrottledStretch: Sendable {
    private let outage: Double
    private let callsNeeded: Int
    private var calls: Set<UInt64> = []
    /// Something else than throttling was answered in this process.
    private var wasAnswered = false
    /// When the stretch's first throttled answer came; nil where the last answer was another one.
    package private(set) var since: Double?
    /// Its throttled answers.
    package private(set) var attempts = 0

    /// - Parameters:
    ///   - outage: seconds that it is borne.
    ///   - concurrency: calls that run at once; with fewer than 20 of them fewer are enough.
    package init(outage: Double, concurrency: Int) {
        self.outage = outage
        callsNeeded = min(20, max(1, concurrency))
    }

    /// Whether it may become an outage: enough calls were throttled, and no call has ever been answered.
    package var mayBeOutage: Bool { since != nil && !wasAnswered && calls.count >= callsNeeded }

    /// Another answer than throttling. A failed connection and a 5xx are none.
    package mutating func answered() {
        wasAnswered = true
        guard since != nil else { return }
        since = nil
        attempts = 0
        calls.removeAll()
    }

    /// A throttled answer.
    ///
    /// - Returns: true where nothing else was answered for too long. That takes an answer: a machine that slept for an hour
    ///   hasn't been throttled for an hour.
    package mutating func throttled(call: UInt64, now: Double) -> Bool {
        if since == nil { since = now }
        attempts += 1
        if calls.count < callsNeeded { calls.insert(call) }
        guard let since, now - since >= outage else { return false }
        return !wasAnswered || calls.count >= callsNeeded
    }
}
