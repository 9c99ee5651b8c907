import AWSClient
import Testing

/// How well the rate follows a limit that it isn't told, in simulated time against modelled servers. Every case runs
/// with three seeds, which failures name.
@Suite struct AdaptationTests {
    private static let seeds = UInt64(1)...3
    private static let limiters: [ModelledServer.Limiter] = [.bucket(burst: 30), .bucket(burst: 300), .fixedWindow]

    /// At least 97 % of the limit with at most 1 % of the requests refused, after the first 5 s.
    @Test(arguments: limiters, [64, 512])
    func fillsAnUnknownLimit(limiter: ModelledServer.Limiter, inFlight: Int) {
        var simulation = ThrottlingSimulation()
        simulation.server.limiter = limiter
        simulation.inFlight = inFlight
        for seed in Self.seeds {
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "\(limiter), \(inFlight) in flight, seed \(seed): \(result)")
            #expect(result.rate(5..<60) >= 0.97 * 300, comment)
            #expect(result.settledThrottled * 100 <= result.settledRequests, comment)
        }
    }

    /// A limit that is cut to a third and comes back is filled to 95 % again within 15 s, both times.
    @Test(arguments: [30.0, 300], [64, 512])
    func followsALimitThatMoves(burst: Double, inFlight: Int) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .bucket(burst: burst)
            simulation.inFlight = inFlight
            simulation.seconds = 120
            let cutAt = 30 + Double(seed) * 0.77
            simulation.server.changes = [(cutAt, 100), (cutAt + 37, 300)]
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "burst \(burst), \(inFlight) in flight, seed \(seed): \(result)")
            #expect(Self.fills(result, 100, from: cutAt + 15, until: cutAt + 37), comment)
            #expect(Self.fills(result, 300, from: cutAt + 52, until: 120), comment)
        }
    }

    /// A service that counts by the second tells its limit only at the end of a full second, so that single seconds may
    /// fall short of what the whole time makes.
    @Test(arguments: [64, 512])
    func followsAFixedWindowThatMoves(inFlight: Int) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .fixedWindow
            simulation.inFlight = inFlight
            simulation.seconds = 120
            simulation.server.changes = [(31, 100), (68, 300)]
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "\(inFlight) in flight, seed \(seed): \(result)")
            #expect(result.rate(46..<68) >= 0.95 * 100, comment)
            #expect(result.rate(83..<120) >= 0.95 * 300, comment)
        }
    }

    /// What a second client takes isn't there; what it leaves is used, also once it has gone.
    @Test(arguments: [30.0, 300])
    func makesRoomForAnother(burst: Double) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .bucket(burst: burst)
            simulation.server.stranger = (rate: 200, from: 30, until: 70)
            simulation.seconds = 110
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "burst \(burst), seed \(seed): \(result)")
            #expect(Self.fills(result, 100, from: 45, until: 70), comment)
            #expect(Self.fills(result, 300, from: 85, until: 110), comment)
        }
    }

    /// Two clients of this kind fill a limit together, and neither starves.
    @Test(arguments: [30.0, 300])
    func sharesWithItsLike(burst: Double) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .bucket(burst: burst)
            simulation.clients = 2
            simulation.seconds = 120
            let results = simulation.runAll(seed: seed)
            let rates = results.map { $0.rate(10..<120) }
            let comment = Comment(rawValue: "burst \(burst), seed \(seed): \(rates)")
            #expect(rates[0] + rates[1] >= 0.95 * 300, comment)
            #expect(rates.allSatisfy { $0 >= 0.15 * 300 }, comment)
        }
    }

    /// Answers that are refused at random, with a limit or with none below the configured rate: what goes through is at
    /// least 95 % of what is left of the rate, once it is known what is random.
    @Test(arguments: [0.003, 0.01, 0.02, 0.05], [(300.0, 300.0), (1e9, 300), (1e9, 1500)])
    func survivesRandomThrottling(share: Double, rates: (limit: Double, ceiling: Double)) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limit = rates.limit
            simulation.server.limiter = .bucket(burst: rates.limit == 300 ? 30 : rates.limit)
            simulation.server.randomlyThrottled = share
            // So many that those which wait behind a throttled answer don't matter.
            simulation.inFlight = 512
            simulation.ceiling = rates.ceiling
            simulation.burst = 30
            simulation.seconds = 120
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "share \(share), \(rates), seed \(seed): \(result)")
            #expect(result.rate(60..<120) >= 0.95 * (1 - share) * rates.ceiling, comment)
        }
    }

    /// The same around a limit that nobody has told: chance and limit are told apart.
    @Test(arguments: [0.01, 0.05], [64, 512])
    func findsALimitBehindRandomThrottling(share: Double, inFlight: Int) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .bucket(burst: 30)
            simulation.server.randomlyThrottled = share
            simulation.inFlight = inFlight
            simulation.seconds = 180
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "share \(share), \(inFlight) in flight, seed \(seed): \(result)")
            #expect(result.rate(60..<180) >= 0.9 * (1 - share) * 300, comment)
            #expect(
                Double(result.settledThrottled) <= (1.6 * share + 0.02) * Double(result.settledRequests), comment)
        }
    }

    /// Answers that come later and later aren't a limit: the rate is kept, with as many calls in flight as rate ×
    /// latency asks for (Little's law) and hardly more.
    @Test(arguments: [(0.03, 0.3), (0.03, 0.8), (0.3, 0.3)], [30.0, 300])
    func keepsTheRateWhileLatencyRises(latency: (Double, Double), burst: Double) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .bucket(burst: burst)
            simulation.latency = latency
            simulation.inFlight = 512
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "latency \(latency), burst \(burst), seed \(seed): \(result)")
            #expect(result.rate(5..<60) >= 0.97 * 300, comment)
            #expect(result.settledThrottled * 20 <= result.settledRequests, comment)
            let needed = 300 * (latency.0 + latency.1) / 2
            #expect(result.meanInFlight <= 1.25 * needed, comment)
        }
    }

    /// A learned limit is filled from the first second on; a bucket that has filled up meanwhile is spent.
    @Test(arguments: [30.0, 300])
    func startsFromWhatWasLearned(burst: Double) {
        for seed in Self.seeds {
            var simulation = ThrottlingSimulation()
            simulation.server.limiter = .bucket(burst: burst)
            simulation.learned = 300
            let result = simulation.run(seed: seed)
            let comment = Comment(rawValue: "burst \(burst), seed \(seed): \(result)")
            #expect(result.rate(0..<5) >= 0.97 * 300, comment)
            #expect(result.rate(5..<60) >= 0.97 * 300, comment)
            #expect(result.throttled * 100 <= result.requests, comment)
        }
    }

    @Test func staysAtTheCeiling() {
        var simulation = ThrottlingSimulation()
        simulation.ceiling = 100
        simulation.burst = 10
        let result = simulation.run(seed: 3)
        #expect(result.throttled == 0)
        #expect((5900...6020).contains(result.accepted), "\(result)")
    }

    /// True where every three seconds in a row within the time bring 95 % of the limit.
    private static func fills(
        _ result: ThrottlingSimulation.Result, _ limit: Double, from: Double, until: Double
    ) -> Bool {
        (Int(from.rounded(.up))..<Int(until) - 3).allSatisfy { result.rate($0..<$0 + 3) >= 0.95 * limit }
    }
}
