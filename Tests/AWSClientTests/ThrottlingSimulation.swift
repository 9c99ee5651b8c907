import AWSClient

/// A service with a limit, and callers that keep a number of calls in flight: in simulated time, so that a minute takes
/// milliseconds.
struct ThrottlingSimulation {
    struct Result: CustomStringConvertible {
        var accepted = 0
        var requests = 0
        var throttled = 0
        /// Of the time after the first 5 s.
        var settledRequests = 0
        var settledThrottled = 0
        var settledAccepted = 0
        var failedCalls = 0
        var acceptedIn: [Int] = []

        var description: String {
            "accepted \(accepted), requests \(requests), throttled \(throttled), "
                + "settled \(settledThrottled)/\(settledRequests), by second \(acceptedIn)"
        }
    }

    private enum Event {
        case start(worker: Int)
        case arrive(worker: Int, sentAt: Double)
        case answer(worker: Int, sentAt: Double, accepted: Bool)
        case backedOff(worker: Int)
        case timer(set: Double)
    }

    private struct Worker {
        var retries = 0
        var paid: Int?
    }

    var limit = 300.0
    /// Changes of the limit: (second, limit).
    var changes: [(Double, Double)] = []
    var serverBurst = 300.0
    var inFlight = 64
    var seconds = 60.0
    var latency = 0.03
    /// Share of the latency that varies.
    var jitter = 0.3
    var ceiling = 10_000.0
    var burst = 100.0
    var learned: Double?
    /// Share of the requests that are throttled whatever the rate.
    var randomlyThrottled = 0.0
    /// Seconds between two calls of a worker.
    var think = 0.0

    func run(seed: UInt64) -> Result {
        var random = SplitMix(state: seed)
        var result = Result(acceptedIn: Array(repeating: 0, count: Int(seconds) + 1))
        var admission = Admission<Int>(rate: ceiling, burst: burst, adapts: true, outage: 900, now: 0)
        if let learned { admission.restore(rate: learned, now: 0) }
        let policy = RetryPolicy()
        var workers = Array(repeating: Worker(), count: inFlight)
        var events = EventQueue<Event>()
        var serverTokens = serverBurst
        var serverUpdated = 0.0
        var timer = Double.infinity
        for worker in workers.indices { events.push(.start(worker: worker), at: random.unit() * 0.005) }

        func limit(at time: Double) -> Double { changes.last { $0.0 <= time }?.1 ?? self.limit }
        func send(_ worker: Int, now: Double) {
            result.requests += 1
            if now > 5 { result.settledRequests += 1 }
            let there = now + latency / 2 * (1 + jitter * (random.unit() - 0.5))
            events.push(.arrive(worker: worker, sentAt: now), at: there)
        }
        func release(_ now: Double) {
            for (worker, grant) in admission.pump(now: now) {
                switch grant {
                case .admitted: send(worker, now: now)
                case .quota(let paid):
                    workers[worker].paid = paid
                    backOff(worker, now: now)
                case .ended: break
                }
            }
            if let next = admission.nextEvent(now: now), next < timer {
                timer = next
                // A timer is never early, and a little late.
                events.push(.timer(set: next), at: next + 0.0002 * random.unit())
            }
        }
        func backOff(_ worker: Int, now: Double) {
            let delay = policy.delay(retry: workers[worker].retries, isThrottling: true, random: random.unit())
            workers[worker].retries += 1
            events.push(.backedOff(worker: worker), at: now + delay)
        }
        func ask(_ worker: Int, now: Double) {
            if admission.admit(now: now) == .admitted {
                send(worker, now: now)
            } else {
                _ = admission.enqueue(worker, now: now)
                release(now)
            }
        }
        while let (event, now) = events.pop(), now < seconds {
            switch event {
            case .start(let worker):
                workers[worker] = Worker()
                ask(worker, now: now)
            case .backedOff(let worker): ask(worker, now: now)
            case .timer(let set):
                if set <= timer { timer = .infinity }
                release(now)
            case .arrive(let worker, let sentAt):
                serverTokens = min(serverBurst, serverTokens + (now - serverUpdated) * limit(at: now))
                serverUpdated = now
                let accepted =
                    serverTokens >= 1 && (randomlyThrottled == 0 || random.unit() >= randomlyThrottled)
                if accepted { serverTokens -= 1 }
                let back = now + latency / 2 * (1 + jitter * (random.unit() - 0.5))
                events.push(.answer(worker: worker, sentAt: sentAt, accepted: accepted), at: back)
            case .answer(let worker, let sentAt, let accepted):
                _ = admission.finished(
                    accepted ? .succeeded : .throttled, sentAt: sentAt, paid: workers[worker].paid, now: now)
                if accepted {
                    result.accepted += 1
                    result.acceptedIn[Int(now)] += 1
                    if now > 5 { result.settledAccepted += 1 }
                    events.push(.start(worker: worker), at: now + think)
                } else {
                    result.throttled += 1
                    if now > 5 { result.settledThrottled += 1 }
                    if case .quota(let paid)? = admission.takeQuota(RetryQuota.throttlingCost, now: now) {
                        workers[worker].paid = paid
                        backOff(worker, now: now)
                    } else {
                        _ = admission.enqueue(worker, cost: RetryQuota.throttlingCost)
                    }
                }
                release(now)
            }
        }
        return result
    }
}

/// Events in order of time; of equal ones the earlier pushed first.
struct EventQueue<Event> {
    private var heap: [(time: Double, number: Int, event: Event)] = []
    private var pushed = 0

    mutating func push(_ event: Event, at time: Double) {
        heap.append((time, pushed, event))
        pushed += 1
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> (Event, Double)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                    least = child
                }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.event, first.time)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].number) < (heap[right].time, heap[right].number)
    }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
