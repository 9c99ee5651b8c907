package import RateLimiting

/// Who may send next: the token bucket, the learned rate, the retry quota, the circuit and a Retry-After in one place.
/// Pure: the caller brings the time, and resumes those whom `pump` lets go.
///
/// A call asks `admit` for each attempt, and `takeQuota` before each retry; where either says no, it enqueues.
package struct Admission<Waiter> {
    package internal(set) var bucket: TokenBucket
    package private(set) var adaptive: AdaptiveRate?
    package internal(set) var quota = RetryQuota()
    package internal(set) var circuit: Circuit
    package private(set) var stretch: ThrottledStretch
    /// Seconds for which the circuit has been open, up to the last tick.
    private var openSeconds = 0.0
    private var throttlesEverybody = false
    /// No attempt goes out before this time: a Retry-After.
    package private(set) var heldUntil = -Double.infinity
    private let rate: Double
    private let burst: Double
    var queue = WaiterQueue<Waiter>()
    var quotaQueue = WaiterQueue<(waiter: Waiter, cost: Int)>()
    private var lastTicket: UInt64 = 0
    private var lastTick: Double
    /// Until when a waiter waits, by its ticket.
    var limits: [UInt64: Double] = [:]

    /// - Parameters:
    ///   - rate: attempts per second, above 0; the ceiling where `adapts`.
    ///   - burst: attempts that idle time may save up, at least 1.
    ///   - outage: seconds that an open circuit is borne, and a service that throttles everybody.
    ///   - concurrency: calls that run at once.
    package init(
        rate: Double, burst: Double, adapts: Bool, outage: Double, concurrency: Int = 64, now: Double
    ) {
        self.rate = rate
        self.burst = burst
        bucket = TokenBucket(rate: rate, capacity: burst, now: now)
        adaptive = adapts ? AdaptiveRate(ceiling: rate) : nil
        circuit = Circuit(outage: outage)
        stretch = ThrottledStretch(outage: outage, concurrency: concurrency)
        lastTick = now
    }

    /// Takes what an earlier process learned, per second.
    package mutating func restore(rate: Double, now: Double) {
        adaptive?.restore(estimate: rate)
        adjustBucket(now: now)
    }

    /// The rate that is allowed now, per second.
    package var allowedRate: Double { adaptive?.rate ?? rate }
    package var waiting: Int { queue.count + quotaQueue.count }
    /// Why no attempt goes out any more; nil while they do.
    package var end: AdmissionEnd? {
        switch circuit.end {
        case .away: .away
        case .unreachable: .unreachable
        case nil: throttlesEverybody ? .throttled : nil
        }
    }

    /// Seconds so far for which the circuit was open.
    package mutating func outageSeconds(now: Double) -> Double {
        tick(now: now)
        return openSeconds
    }

    /// Lets an attempt go out at once, where nobody waits and nothing holds it; nil where it has to wait.
    package mutating func admit(now: Double) -> AdmissionGrant? {
        tick(now: now)
        if end != nil { return .ended }
        guard queue.isEmpty, !circuit.isOpen, now >= heldUntil, bucket.take(now: now) else { return nil }
        return .admitted
    }

    /// Pays for a retry at once, where there is enough and nobody waits; nil where it has to wait.
    package mutating func takeQuota(_ cost: Int, now: Double) -> AdmissionGrant? {
        // An open circuit pauses the quota: in an outage nothing would refill it.
        if circuit.isOpen || end != nil { return .quota(paid: 0) }
        guard quotaQueue.isEmpty, let paid = quota.take(cost, now: now) else { return nil }
        return .quota(paid: paid)
    }

    /// Waits for a token. Returns the ticket by which the waiter can be taken out.
    ///
    /// - Parameter limit: when it is let go with `.expired` at the latest, unless the circuit is open then.
    package mutating func enqueue(_ waiter: Waiter, until limit: Double? = nil, now: Double) -> UInt64 {
        tick(now: now)
        lastTicket += 1
        limits[lastTicket] = limit
        queue.append(waiter, ticket: lastTicket)
        return lastTicket
    }

    /// Waits for the retry quota.
    package mutating func enqueue(_ waiter: Waiter, cost: Int, until limit: Double? = nil) -> UInt64 {
        lastTicket += 1
        limits[lastTicket] = limit
        quotaQueue.append((waiter, cost), ticket: lastTicket)
        return lastTicket
    }

    /// Takes a waiter out; nil where it has been let go.
    package mutating func remove(ticket: UInt64, now: Double) -> Waiter? {
        tick(now: now)
        return take(ticket)
    }

    /// Notes how an attempt ended. Pump afterwards.
    ///
    /// - Parameters:
    ///   - paid: what the quota took for this attempt; nil for a first attempt.
    ///   - call: which call the attempt was one of.
    /// - Returns: true where the failure is an outage's, and counts against no call.
    package mutating func finished(
        _ attempt: AttemptResult, sentAt: Double, paid: Int?, call: UInt64 = 0, now: Double
    ) -> Bool {
        tick(now: now)
        var isOutage = false
        switch attempt {
        case .succeeded:
            circuit.answered()
            stretch.answered()
            quota.succeeded(paid: paid)
        case .unusable:
            circuit.answered()
            stretch.answered()
        case .throttled:
            circuit.answered()
            if stretch.throttled(call: call, now: now) { throttlesEverybody = true }
        case .failed(let failure):
            isOutage = circuit.failed(failure, now: now)
        }
        switch attempt {
        case .succeeded, .unusable, .failed(.serverError):
            _ = adaptive?.answered(isThrottled: false, sentAt: sentAt, now: now)
        case .throttled:
            if adaptive?.answered(isThrottled: true, sentAt: sentAt, now: now) == true {
                adjustBucket(now: now)
                bucket.pause(until: now + (adaptive?.pause ?? 0))
            }
        case .failed: break
        }
        return isOutage
    }

    /// Sends nothing before `time`.
    package mutating func hold(until time: Double) { heldUntil = max(heldUntil, time) }

    mutating func tick(now: Double) {
        guard now > lastTick else { return }
        if circuit.isOpen { openSeconds += now - lastTick }
        if adaptive?.estimate != nil, !queue.isEmpty, !circuit.isOpen, lastTick >= heldUntil {
            adaptive?.waited(now - lastTick)
            adjustBucket(now: now)
        }
        lastTick = now
    }

    private mutating func adjustBucket(now: Double) {
        guard let adaptive else { return }
        // Near a learned limit the service's bucket is empty: what we would save up for a burst it would refuse.
        let capacity = adaptive.estimate == nil ? burst : min(burst, adaptive.rate / 32)
        bucket.adjust(rate: adaptive.rate, capacity: capacity, now: now)
    }
}
