internal import AWSSigning
public import Logging
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// How a service is called.
public struct ServiceConfiguration: Sendable {
    /// The name in the credential scope, `mobiletargeting`.
    public var signingName: String
    public var region: String
    public var endpoint: Endpoint
    /// Attempts per second, above 0: the ceiling where `adaptsRate`.
    public var requestsPerSecond: Double
    /// Attempts that idle time may save up.
    public var burst: Double
    /// Finds the service's own limit below `requestsPerSecond`.
    public var adaptsRate: Bool
    /// Calls that run at once, and so connections.
    public var concurrency: Int
    public var retry: RetryPolicy
    /// In seconds.
    public var connectTimeout: Double
    /// Seconds for one attempt, from connecting to the last byte of the body.
    public var requestTimeout: Double
    /// `sluice/1.0`
    public var userAgent: String
    /// Trust and proxies.
    public var connections: ConnectionSettings

    public init(
        signingName: String, region: String, endpoint: Endpoint, requestsPerSecond: Double = 300, burst: Double = 30,
        adaptsRate: Bool = true, concurrency: Int = 64, retry: RetryPolicy = RetryPolicy(), connectTimeout: Double = 3,
        requestTimeout: Double = 10, userAgent: String, connections: ConnectionSettings = .direct
    ) {
        self.signingName = signingName
        self.region = region
        self.endpoint = endpoint
        self.requestsPerSecond = requestsPerSecond
        self.burst = burst
        self.adaptsRate = adaptsRate
        self.concurrency = concurrency
        self.retry = retry
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.userAgent = userAgent
        self.connections = connections
    }
}

/// Signed GETs to one service: paced, retried, and patient in an outage. Safe to call from many tasks at once.
public final class ServiceClient: Sendable {
    public let configuration: ServiceConfiguration
    private let credentials: CredentialProvider
    private let logger: Logger
    private let signer: RequestSigner
    private let transport: HTTPTransport
    private let gate: RequestGate
    /// Seconds by which the service's clock is ahead of ours, as far as it matters.
    private let clockSkew = Mutex(0)

    public init(configuration: ServiceConfiguration, credentials: CredentialProvider, logger: Logger) {
        self.configuration = configuration
        self.credentials = credentials
        self.logger = logger
        signer = RequestSigner(region: configuration.region, service: configuration.signingName)
        transport = HTTPTransport(
            endpoint: configuration.endpoint, connections: configuration.concurrency,
            connectTimeout: configuration.connectTimeout, settings: configuration.connections)
        gate = RequestGate(
            rate: configuration.requestsPerSecond, burst: configuration.burst, adapts: configuration.adaptsRate,
            outage: configuration.retry.outage, eventLoop: MultiThreadedEventLoopGroup.singleton.next())
    }

    public var statistics: AttemptStatistics { gate.snapshot }
    /// True while an open circuit or a Retry-After holds all attempts.
    public var isHeld: Bool { gate.isHeld }
    /// Takes a limit that an earlier process learned, per second.
    public func restore(learnedRate: Double) { gate.restore(rate: learnedRate) }
    /// Closes all connections; no call follows.
    public func shutdown() async {
        credentials.shutdown()
        await transport.shutdown()
    }

    /// One call: as many attempts as it takes.
    ///
    /// - Parameters:
    ///   - path: percent-encoded, from its first slash; exactly as it goes over the wire, behind the endpoint's prefix.
    ///   - label: names the call in debug messages; no personal data.
    ///   - onSend: called when an attempt goes out.
    ///   - classify: what an answer means.
    /// - Throws: `ServiceClientError`, `CancellationError`.
    public func get<Value: Sendable>(
        _ path: String, label: () -> String, onSend: () -> Void, classify: (HTTPAnswer) -> Verdict<Value>
    ) async throws -> Reply<Value> {
        var call = Call(retry: configuration.retry)
        let target = configuration.endpoint.pathPrefix + path
        while true {
            let admitted = try await admit(&call)
            var result = try await attempt(&call, target: target, admittedAt: admitted, onSend: onSend, classify)
            if case .denied(let fault) = result.verdict, try await mend(fault, date: result.date, &call) {
                result.verdict = .retry(fault)
            }
            let fault: ServiceFault
            let isThrottling: Bool
            switch result.verdict {
            case .value(let value): return .value(value)
            case .failed(let fault): return .failed(fault, attempts: call.attempts)
            case .denied(let fault): return .denied(fault)
            case .retry(let met): (fault, isThrottling) = (met, false)
            case .throttled(let met): (fault, isThrottling) = (met, true)
            }
            logger.debug(
                "attempt failed",
                metadata: [
                    "call": "\(label())", "attempt": "\(call.attempts)", "status": "\(fault.status ?? 0)",
                    "code": "\(fault.code)", "request_id": "\(fault.requestID ?? "")",
                    "elapsed_ms": "\(Int((gate.now - admitted) * 1000))",
                ])
            if result.isOutage {
                // The time went to the outage, and so do this attempt and the delays so far.
                call.paused += gate.now - admitted
                call.retries = 0
                call.nextCost = nil
                continue
            }
            if !isThrottling { call.failures += 1 }
            if call.failures >= configuration.retry.maxAttempts || call.remaining(now: gate.now) <= 0 {
                return .failed(fault, attempts: call.attempts)
            }
            try await backOff(&call, isThrottling: isThrottling, retryAfterHeader: result.retryAfterMilliseconds)
        }
    }

    // MARK: - The parts of a call

    /// What one call has behind it.
    private struct Call {
        let retry: RetryPolicy
        let invocationID = InvocationID.make()
        /// Attempts sent.
        var attempts = 0
        /// Attempts that count against `maxAttempts`.
        var failures = 0
        /// Delays so far, since the last outage.
        var retries = 0
        /// What the next attempt takes from the quota, as paid.
        var nextCost: Int?
        var firstAttempt: Double?
        /// Seconds since then that don't count against the deadline.
        var paused = 0.0
        var mendedClock = false
        /// The skew with which the last attempt was signed, in seconds.
        var signedSkew = 0
        var rejected: SigningCredentials?
        var lastCredentials: SigningCredentials?

        func remaining(now: Double) -> Double {
            guard let firstAttempt else { return retry.deadline }
            return retry.deadline - (now - firstAttempt - paused)
        }
    }

    private struct AttemptOutcome<Value: Sendable> {
        var verdict: Verdict<Value>
        var isOutage = false
        var date: String?
        var retryAfterMilliseconds: String?
    }

    private func admit(_ call: inout Call) async throws -> Double {
        let asked = gate.now
        do {
            let admitted = try await gate.admit()
            if call.firstAttempt == nil { call.firstAttempt = admitted } else { call.paused += admitted - asked }
            return admitted
        } catch let outage as Outage {
            throw ServiceClientError.unavailable(outage.lastFailure)
        }
    }

    private func attempt<Value>(
        _ call: inout Call, target: String, admittedAt: Double, onSend: () -> Void,
        _ classify: (HTTPAnswer) -> Verdict<Value>
    ) async throws -> AttemptOutcome<Value> {
        let key = try await key(rejected: call.rejected)
        call.lastCredentials = key
        call.signedSkew = clockSkew.withLock { $0 }
        call.attempts += 1
        gate.sent(isRetry: call.attempts > 1)
        onSend()
        let paid = call.nextCost
        let timeout = min(configuration.requestTimeout, max(call.remaining(now: admittedAt), 0.05))
        do {
            let answer = try await transport.get(target, headers: headers(call, target: target, key), timeout: timeout)
            return note(answer, classify(answer), sentAt: admittedAt, paid: paid)
        } catch let failure as TransportFailure {
            let isOutage = gate.finished(
                .failed(failure.circuitFailure), sentAt: admittedAt, paid: paid, failure: failure.message)
            let fault = ServiceFault(failure)
            return AttemptOutcome(
                verdict: failure.kind == .bodyTooLarge ? .failed(fault) : .retry(fault), isOutage: isOutage)
        }
    }

    /// Tells the gate what an answer was.
    private func note<Value>(
        _ answer: HTTPAnswer, _ verdict: Verdict<Value>, sentAt: Double, paid: Int?
    ) -> AttemptOutcome<Value> {
        let result: AttemptResult
        var words: String?
        switch verdict {
        case .value, .failed, .denied: result = .succeeded
        case .throttled: result = .throttled
        case .retry(let fault):
            result = answer.status >= 500 ? .failed(.serverError) : .unusable
            words =
                fault.code == "HTTP\(answer.status)" ? "HTTP \(answer.status)" : "HTTP \(answer.status) \(fault.code)"
        }
        var outcome = AttemptOutcome(verdict: verdict)
        var hold: Double?
        if result != .succeeded {
            outcome.retryAfterMilliseconds = answer.header("x-amz-retry-after")
            hold = answer.header("Retry-After").flatMap { RetryPolicy.retryAfter($0, unixNow: unixNow) }
                // A service that asks for more than an outage may last is away.
                .map { min($0, configuration.retry.outage) }
        } else if case .denied = verdict {
            outcome.date = answer.header("Date")
        }
        outcome.isOutage = gate.finished(result, sentAt: sentAt, paid: paid, holdFor: hold, failure: words)
        return outcome
    }

    /// Corrects the clock, or fetches newer credentials, once for each call; false where there is nothing to mend.
    private func mend(_ fault: ServiceFault, date: String?, _ call: inout Call) async throws -> Bool {
        if ErrorCodes.clockSkew.contains(fault.code), !call.mendedClock,
            let server = date.flatMap(HTTPDate.unixSeconds)
        {
            let skew = server - Self.systemSeconds
            // Calls of one flight were all signed with the same wrong clock: each is mended, the first one tells.
            if abs(skew - call.signedSkew) > Self.toleratedSkew {
                let isNews = clockSkew.withLock { known in
                    defer { known = skew }
                    return abs(skew - known) > Self.toleratedSkew
                }
                if isNews {
                    logger.warning(
                        "this machine's clock is \(abs(skew)) s \(skew > 0 ? "behind" : "ahead of") the service's")
                }
                call.mendedClock = true
                return true
            }
        }
        if ErrorCodes.expiredToken.contains(fault.code), call.rejected == nil, let used = call.lastCredentials {
            call.rejected = used
            return try await key(rejected: used) != used
        }
        return false
    }

    private func key(rejected: SigningCredentials?) async throws -> SigningCredentials {
        do {
            return try await credentials.credentials(rejected: rejected)
        } catch let error as CredentialError {
            throw ServiceClientError.credentials(error)
        }
    }

    private func backOff(_ call: inout Call, isThrottling: Bool, retryAfterHeader: String?) async throws {
        let asked = gate.now
        call.nextCost = try await gate.takeQuota(isThrottling ? RetryQuota.throttlingCost : RetryQuota.retryCost)
        call.paused += gate.now - asked
        let delay = configuration.retry.delay(
            retry: call.retries, isThrottling: isThrottling, random: Double.random(in: 0..<1),
            retryAfterHeader: retryAfterHeader)
        call.retries += 1
        if delay > 0 { try await Task.sleep(for: .seconds(delay)) }
    }

    // MARK: - The request

    private func headers(_ call: Call, target: String, _ key: SigningCredentials) -> HTTPHeaders {
        let host = configuration.endpoint.authority
        let signature = signer.sign(
            method: "GET", target: target, headers: [SigningHeader("host", host)], credentials: key,
            at: SigningTime(unixSeconds: Self.systemSeconds + call.signedSkew))
        var headers = HTTPHeaders()
        headers.reserveCapacity(8)
        headers.add(name: "Host", value: host)
        headers.add(name: "User-Agent", value: configuration.userAgent)
        headers.add(name: "Accept", value: "application/json")
        headers.add(name: "amz-sdk-invocation-id", value: call.invocationID)
        headers.add(name: "amz-sdk-request", value: "attempt=\(call.attempts); max=\(call.retry.maxAttempts)")
        headers.add(name: "X-Amz-Date", value: signature.date)
        if let token = signature.sessionToken { headers.add(name: "X-Amz-Security-Token", value: token) }
        headers.add(name: "Authorization", value: signature.authorization)
        return headers
    }

    private var unixNow: Int { Self.systemSeconds + clockSkew.withLock { $0 } }

    private static var systemSeconds: Int { WallClock.unixSeconds }
    /// The services tolerate 5 min; beyond 4 the clock is to blame.
    private static let toleratedSkew = 240
}
