import AWSClient

/// A service with a limit, and clients that keep a number of calls in flight: in simulated time, so that a minute takes
/// milliseconds.
struct ThrottlingSimulation {
    /// What one client saw.
    struct Result: CustomStringConvertible {
        var accepted = 0
        var requests = 0
        var throttled = 0
        /// Of the time after the first 5 s.
        var settledRequests = 0
        var settledThrottled = 0
        /// By the second in which the answer came.
        var acceptedIn: [Int] = []
        /// Requests on their way, on average over the time after the first 5 s.
        var meanInFlight = 0.0

        /// Accepted from one second to another, per second.
        func rate(_ seconds: Range<Int>) -> Double {
            Double(acceptedIn[seconds].reduce(0, +)) / Double(seconds.count)
        }

        var description: String {
            "accepted \(accepted), requests \(requests), throttled \(throttled), "
                + "settled \(settledThrottled)/\(settledRequests), by second \(acceptedIn)"
        }
    }

    fileprivate enum Event {
        case start(worker: Int)
        case arrive(worker: Int, sentAt: Double)
        case answer(worker: Int, sentAt: Double, accepted: Bool)
        case backedOff(worker: Int)
        case timer(client: Int, set: Double)
    }

    var server = ModelledServer()
    /// Clients that share the service, each by itself.
    var clients = 1
    /// Of each client.
    var inFlight = 64
    var seconds = 60.0
    /// In seconds, at the start and at the end: it changes evenly.
    var latency = (0.03, 0.03)
    /// Share of the latency that varies.
    var jitter = 0.3
    var ceiling = 10_000.0
    var burst = 100.0
    var learned: Double?

    func run(seed: UInt64) -> Result { runAll(seed: seed)[0] }

    /// One result for each client.
    func runAll(seed: UInt64) -> [Result] {
        var world = World(self, seed: seed)
        world.run()
        return world.results
    }
}

/// A simulation under way.
private struct World {
    private struct Worker {
        var retries = 0
        var paid: Int?
    }

    private let setting: ThrottlingSimulation
    private var random: SplitMix
    private var server: ModelledServer
    private var admissions: [Admission<Int>]
    private var timers: [Double]
    private var workers: [Worker]
    private var events = EventQueue<ThrottlingSimulation.Event>()
    private let policy = RetryPolicy()
    private(set) var results: [ThrottlingSimulation.Result]

    init(_ setting: ThrottlingSimulation, seed: UInt64) {
        self.setting = setting
        random = SplitMix(state: seed)
        server = setting.server
        admissions = (0..<setting.clients).map { _ in
            var admission = Admission<Int>(
                rate: setting.ceiling, burst: setting.burst, adapts: true, outage: 900, now: 0)
            if let learned = setting.learned { admission.restore(rate: learned, now: 0) }
            return admission
        }
        timers = Array(repeating: .infinity, count: setting.clients)
        workers = Array(repeating: Worker(), count: setting.clients * setting.inFlight)
        let empty = ThrottlingSimulation.Result(acceptedIn: Array(repeating: 0, count: Int(setting.seconds) + 1))
        results = Array(repeating: empty, count: setting.clients)
    }

    mutating func run() {
        for worker in workers.indices { events.push(.start(worker: worker), at: random.unit() * 0.005) }
        while let (event, now) = events.pop(), now < setting.seconds {
            switch event {
            case .start(let worker):
                workers[worker] = Worker()
                ask(worker, now: now)
            case .backedOff(let worker): ask(worker, now: now)
            case .timer(let client, let set):
                if set <= timers[client] { timers[client] = .infinity }
                release(client, now: now)
            case .arrive(let worker, let sentAt):
                let accepted = server.accepts(at: now, random: &random)
                events.push(.answer(worker: worker, sentAt: sentAt, accepted: accepted), at: now + oneWay(now))
            case .answer(let worker, let sentAt, let accepted):
                answered(worker, sentAt: sentAt, accepted: accepted, now: now)
            }
        }
    }

    private func client(of worker: Int) -> Int { worker / setting.inFlight }

    private mutating func oneWay(_ now: Double) -> Double {
        let latency = setting.latency.0 + (setting.latency.1 - setting.latency.0) * now / setting.seconds
        return latency / 2 * (1 + setting.jitter * (random.unit() - 0.5))
    }

    private mutating func ask(_ worker: Int, now: Double) {
        let client = client(of: worker)
        if admissions[client].admit(now: now) == .admitted {
            send(worker, now: now)
        } else {
            _ = admissions[client].enqueue(worker, now: now)
            release(client, now: now)
        }
    }

    private mutating func send(_ worker: Int, now: Double) {
        let client = client(of: worker)
        results[client].requests += 1
        if now > 5 { results[client].settledRequests += 1 }
        events.push(.arrive(worker: worker, sentAt: now), at: now + oneWay(now))
    }

    private mutating func answered(_ worker: Int, sentAt: Double, accepted: Bool, now: Double) {
        let client = client(of: worker)
        _ = admissions[client].finished(
            accepted ? .succeeded : .throttled, sentAt: sentAt, paid: workers[worker].paid, now: now)
        if now > 5 { results[client].meanInFlight += (now - sentAt) / (setting.seconds - 5) }
        if accepted {
            results[client].accepted += 1
            results[client].acceptedIn[Int(now)] += 1
            events.push(.start(worker: worker), at: now)
        } else {
            results[client].throttled += 1
            if now > 5 { results[client].settledThrottled += 1 }
            if case .quota(let paid)? = admissions[client].takeQuota(RetryQuota.throttlingCost, now: now) {
                workers[worker].paid = paid
                backOff(worker, now: now)
            } else {
                _ = admissions[client].enqueue(worker, cost: RetryQuota.throttlingCost)
            }
        }
        release(client, now: now)
    }

    private mutating func backOff(_ worker: Int, now: Double) {
        let delay = policy.delay(retry: workers[worker].retries, isThrottling: true, random: random.unit())
        workers[worker].retries += 1
        events.push(.backedOff(worker: worker), at: now + delay)
    }

    private mutating func release(_ client: Int, now: Double) {
        for (worker, grant) in admissions[client].pump(now: now) {
            switch grant {
            case .admitted: send(worker, now: now)
            case .quota(let paid):
                workers[worker].paid = paid
                backOff(worker, now: now)
            case .ended, .expired: break
            }
        }
        if let next = admissions[client].nextEvent(now: now), next < timers[client] {
            timers[client] = next
            // A timer is never early, and a little late.
            events.push(.timer(client: client, set: next), at: next + 0.0002 * random.unit())
        }
    }
}
