internal import AWSSigning
public import Logging
internal import NIOPosix
internal import Synchronization

/// Signed GETs to one service: paced, retried, and patient in an outage. Safe to call from many tasks at once.
public final class ServiceClient: Sendable {
    public let configuration: ServiceConfiguration
    package let credentials: CredentialProvider
    let logger: Logger
    let sender: SignedSender
    let gate: RequestGate
    let clockSkew = ClockSkew()
    /// Attempts in a row that nobody answered.
    let silence = Mutex(Silence())
    /// Calls begun.
    private let calls = Mutex<UInt64>(0)

    public init(configuration: ServiceConfiguration, credentials: CredentialProvider, logger: Logger) {
        self.configuration = configuration
        self.credentials = credentials
        self.logger = logger
        sender = SignedSender(configuration)
        gate = RequestGate(
            rate: configuration.requestsPerSecond, burst: configuration.burst, adapts: configuration.adaptsRate,
            outage: configuration.retry.outage, concurrency: configuration.concurrency,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next())
    }

    public var statistics: AttemptStatistics {
        var statistics = gate.snapshot
        if let hold = credentials.hold { statistics.hold = hold }
        return statistics
    }
    /// True while an open circuit, a Retry-After or missing credentials hold all attempts.
    public var isHeld: Bool { gate.isHeld || credentials.hold != nil }
    /// Takes a limit that an earlier process learned, per second.
    public func restore(learnedRate: Double) { gate.restore(rate: learnedRate) }
    /// Closes all connections; no call follows.
    public func shutdown() async {
        credentials.shutdown()
        await sender.shutdown()
    }

    /// One call: as many attempts as it takes.
    ///
    /// - Parameters:
    ///   - path: percent-encoded, from its first slash; exactly as it goes over the wire, behind the endpoint's prefix.
    ///   - label: names the call in debug messages; no personal data.
    ///   - countsThrottling: waits for throttling count against the call's deadline.
    ///   - onSend: called when an attempt goes out.
    ///   - classify: what an answer means. It gets the answer as it came; whatever its fault tells of it has to go through
    ///     the redaction, since an answer may repeat the request's secrets.
    /// - Throws: `ServiceClientError`, `CancellationError`.
    public func get<Value: Sendable>(
        _ path: String, countsThrottling: Bool = false, label: () -> String, onSend: () -> Void,
        classify: (HTTPAnswer, EchoRedaction) -> Verdict<Value>
    ) async throws -> Reply<Value> {
        var call = CallProgress(retry: configuration.retry, countsThrottling: countsThrottling)
        let number = calls.withLock { calls in
            calls += 1
            return calls
        }
        var mending = Mending()
        var paid: Int?
        var last: Verdict<Value>?
        while true {
            guard let (admitted, key) = try await admitWithKey(&call, rejected: mending.rejected) else {
                if goesOn(&call, last) { continue }
                return timeIsUp(call, last)
            }
            mending.use(key, clockSkew: clockSkew.seconds)
            call.attempts += 1
            gate.sent(isRetry: call.attempts > 1)
            onSend()
            var result = try await attempt(
                path, call, number, mending, admittedAt: admitted, paid: paid, classify)
            log(result, of: call, label: label, milliseconds: (gate.now - admitted) * 1000)
            if case .denied(let fault) = result.verdict, try await mend(fault, date: result.date, &mending, &call) {
                result.verdict = .retry(fault)
            }
            switch result.verdict {
            case .value(let value): return .value(value)
            case .failed(let fault): return .failed(call.complete(fault, now: gate.now))
            case .denied(let fault): return .denied(call.complete(fault, now: gate.now))
            case .retry, .throttled: break
            }
            last = result.verdict
            if result.isOutage {
                call.wasOutage(seconds: gate.now - admitted)
                paid = nil
                continue
            }
            if let delay = delay(after: result, of: &call),
                let cost = try await takeQuota(isThrottling: result.verdict.isThrottling, &call)
            {
                paid = cost
                if delay > 0 { try await Task.sleep(for: .seconds(delay)) }
            } else if goesOn(&call, last) {
                paid = nil
                try await Task.sleep(for: .seconds(delay(after: result, of: &call) ?? 0))
            } else {
                return timeIsUp(call, last)
            }
        }
    }
}
