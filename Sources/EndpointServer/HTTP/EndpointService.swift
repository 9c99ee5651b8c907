internal import AWSSigning
internal import NIOCore
internal import NIOHTTP1
internal import RateLimiting
internal import Synchronization

/// Decides what a request is answered with; knows no connections.
final class EndpointService: Sendable {
    let seed: UInt64
    private let configuration: EndpointServer.Configuration
    private let applicationID: [UInt8]?
    private let check: SignatureCheck?
    private let latency: TimeAmount
    private let bucket: Mutex<TokenBucket?>
    /// How often each user was asked for, a byte a user, saturating; IDs outside the population share `oddSlots`.
    private let attempts: Mutex<[UInt8]>
    private let counts = Mutex(EndpointServer.Statistics())

    private static let oddSlots = 4096

    /// An answer, and what happens to it on the way.
    struct Decision {
        var answer: Answer
        var delay = TimeAmount.zero
        var damage: Damage?
    }

    /// What happens to an answer on the wire.
    enum Damage {
        case reset
        case truncate
        case stall(TimeAmount)
    }

    init(_ configuration: EndpointServer.Configuration) {
        self.configuration = configuration
        seed = configuration.population.seed
        applicationID = configuration.applicationID.map { Array($0.utf8) }
        check = configuration.signatures.map(SignatureCheck.init)
        latency = TimeAmount(configuration.latency)
        bucket = Mutex(
            configuration.rate.map {
                TokenBucket(rate: $0.requestsPerSecond, capacity: Double($0.burst), now: Self.uptime)
            })
        let slots = configuration.faults.isEmpty ? 0 : configuration.population.users + Self.oddSlots
        attempts = Mutex(Array(repeating: 0, count: slots))
    }

    /// Seconds of a monotonic clock.
    private static var uptime: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }

    var statistics: EndpointServer.Statistics { counts.withLock { $0 } }

    /// - Parameters:
    ///   - body: what came with the request; nil where that was too much.
    ///   - now: seconds since 1970.
    func decide(_ head: HTTPRequestHead, body: [UInt8]?, now: Int) -> Decision {
        counts.withLock { $0.requests += 1 }
        let path: RequestPath
        do {
            path = try RequestPath(target: head.uri)
        } catch {
            switch error {
            case .wrongPath: return failed(.wrongPath)
            case .badEncoding: return failed(.error(.badRequest("The path isn't percent-encoded UTF-8.")))
            }
        }
        guard head.method == .GET else { return failed(.error(.methodNotAllowed)) }
        guard let body else { return failed(.error(.payloadTooLarge)) }
        if let fault = check?.fault(
            method: head.method.rawValue, target: head.uri,
            headers: head.headers.map { SigningHeader($0.name, $0.value) }, body: body, now: now)
        {
            counts.withLock { $0.rejected += 1 }
            return Decision(answer: .error(fault))
        }
        guard bucket.withLock({ $0?.take(now: Self.uptime) ?? true }) else {
            counts.withLock { $0.throttled += 1 }
            return Decision(answer: .error(.tooManyRequests))
        }
        if let applicationID, path.application != applicationID { return failed(.error(.unknownApplication)) }
        var decision = Decision(answer: .wrongPath, delay: latency)
        if let fault = drawFault(path.user) {
            counts.withLock { $0.faults += 1 }
            switch fault {
            case .status(404): return decision
            case .status(let status): decision.answer = .error(ServiceError(status: status))
            case .html: decision.answer = .html
            case .reset: decision.damage = .reset
            case .truncate:
                decision.answer = answer(path)
                decision.damage = .truncate
            case .stall(let pause):
                decision.answer = answer(path)
                decision.damage = .stall(TimeAmount(pause))
            case .delay(let delay):
                decision.answer = answer(path)
                decision.delay = latency + TimeAmount(delay)
            }
            return decision
        }
        decision.answer = answer(path)
        return decision
    }

    private func failed(_ answer: Answer) -> Decision {
        counts.withLock { $0.errors += 1 }
        return Decision(answer: answer)
    }

    private func answer(_ path: RequestPath) -> Answer {
        if let user = configuration.population.user(path.user) {
            counts.withLock { if user.isAbsent { $0.absent += 1 } else { $0.found += 1 } }
            return user.isAbsent ? .error(.unknownUser) : .endpoints(user, application: path.application)
        }
        if let answer = OddUser.answer(to: path.user, seed: seed, application: path.application) {
            counts.withLock { if case .endpoints = answer { $0.found += 1 } else { $0.errors += 1 } }
            return answer
        }
        counts.withLock { $0.absent += 1 }
        return .error(.unknownUser)
    }

    private func drawFault(_ id: [UInt8]) -> FaultPlan.Fault? {
        guard !configuration.faults.isEmpty else { return nil }
        let slot =
            configuration.population.index(of: id)
            ?? configuration.population.users + Int(stableHash(id, seed: seed, salt: 1) % UInt64(Self.oddSlots))
        let attempt = attempts.withLock { attempts in
            let attempt = attempts[slot]
            if attempt < .max { attempts[slot] = attempt + 1 }
            return attempt
        }
        return configuration.faults.draw(id: id, seed: seed, attempt: attempt)
    }
}
