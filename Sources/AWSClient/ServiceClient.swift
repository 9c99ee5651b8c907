internal import AWSSigning
public import Logging
internal import NIOPosix
internal import Synchronization

/// Signed GETs to one service: paced, retried, and patient in an outage. Safe to call from many tasks at once.
public final class ServiceClient: Sendable {
    public let configuration: ServiceConfiguration
    private let credentials: CredentialProvider
    private let logger: Logger
    private let sender: SignedSender
    private let gate: RequestGate
    private let clockSkew = ClockSkew()
    /// Attempts in a row that nobody answered.
    private let silence = Mutex(Silence())
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

    // MARK: - The parts of a call

    /// Nil where the call's time is up before it may send.
    private func admit(_ call: inout CallProgress) async throws -> Double? {
        do {
            while true {
                let asked = gate.now
                let outage = gate.outageSeconds
                let admitted = try await gate.admit(until: call.limit(now: asked))
                let open = gate.outageSeconds - outage
                if let admitted {
                    call.wasAdmitted(at: admitted, askedAt: asked, outage: open)
                    return admitted
                }
                // The circuit may have been open for a part of the time.
                call.waited(gate.now - asked, outage: open)
                if call.remaining(now: gate.now) <= 0 { return nil }
            }
        } catch let outage as Outage {
            throw error(for: outage)
        }
    }

    /// Nil where the call's time is up before it may send.
    ///
    /// Credentials that have to be waited for cost a call none of its time, and whoever waited long asks anew for leave to
    /// send: a source that comes back must not set all calls free at once.
    private func admitWithKey(
        _ call: inout CallProgress, rejected: SigningCredentials?
    ) async throws -> (admitted: Double, key: SigningCredentials)? {
        while true {
            guard let admitted = try await admit(&call) else { return nil }
            let key = try await key(rejected: rejected)
            let now = gate.now
            call.paused += now - admitted
            if now - admitted < 1 { return (now, key) }
        }
    }

    private func error(for outage: Outage) -> ServiceClientError {
        let (attempts, since) = silence.withLock { ($0.attempts, $0.since) }
        let elapsed = gate.now - since
        return switch outage.end {
        case .away: .unavailable(lastFailure: outage.lastFailure, attempts: attempts, elapsed: elapsed)
        case .unreachable: .unreachable(lastFailure: outage.lastFailure, attempts: attempts, elapsed: elapsed)
        case .throttled:
            .throttled(
                lastFailure: outage.lastFailure, attempts: outage.throttled,
                elapsed: gate.now - outage.throttledSince)
        }
    }

    /// Nil where the call's time is up before the quota lets its retry pass.
    private func takeQuota(isThrottling: Bool, _ call: inout CallProgress) async throws -> Int? {
        let asked = gate.now
        let outage = gate.outageSeconds
        let paid = try await gate.takeQuota(
            isThrottling ? RetryQuota.throttlingCost : RetryQuota.retryCost, until: call.limit(now: asked))
        call.waited(gate.now - asked, outage: gate.outageSeconds - outage)
        return paid
    }

    private func delay<Value: Sendable>(after result: AttemptOutcome<Value>, of call: inout CallProgress) -> Double? {
        call.delay(
            isThrottling: result.verdict.isThrottling, retryAfterHeader: result.retryAfterMilliseconds,
            random: Double.random(in: 0..<1), now: gate.now)
    }

    /// Whether a call whose time is up gets it anew. While nobody is answered, being throttled is no call's own fault: the
    /// service is as good as away, or about to answer.
    private func goesOn<Value: Sendable>(_ call: inout CallProgress, _ last: Verdict<Value>?) -> Bool {
        guard last?.isThrottling == true, gate.mayBeThrottlingEverybody else { return false }
        call.begunAnew(at: gate.now)
        return true
    }

    /// The call has used its attempts or its time; what its last attempt met is why.
    private func timeIsUp<Value>(_ call: CallProgress, _ last: Verdict<Value>?) -> Reply<Value> {
        let fault = last?.fault ?? ServiceFault(code: "Unknown", message: "no usable answer")
        return .failed(call.complete(fault, isThrottling: last?.isThrottling ?? false, now: gate.now))
    }

    private struct AttemptOutcome<Value: Sendable> {
        var verdict: Verdict<Value>
        var status: Int?
        var requestID: String?
        var isOutage = false
        var date: String?
        var retryAfterMilliseconds: String?
    }

    private func attempt<Value>(
        _ path: String, _ call: CallProgress, _ number: UInt64, _ mending: Mending, admittedAt: Double, paid: Int?,
        _ classify: (HTTPAnswer, EchoRedaction) -> Verdict<Value>
    ) async throws -> AttemptOutcome<Value> {
        let timeout = min(configuration.requestTimeout, max(call.remaining(now: admittedAt), 0.05))
        do {
            let (answer, echo) = try await sender.get(path, call: call, signing: mending, timeout: timeout)
            return note(answer, classify(answer, echo), of: number, sentAt: admittedAt, paid: paid)
        } catch let failure as TransportFailure {
            silence.withLock { $0.note(.failed(failure.circuitFailure), sentAt: admittedAt) }
            let isOutage = gate.finished(
                .failed(failure.circuitFailure), sentAt: admittedAt, paid: paid, failure: failure.message)
            let fault = ServiceFault(failure)
            return AttemptOutcome(
                verdict: failure.kind == .bodyTooLarge ? .failed(fault) : .retry(fault), isOutage: isOutage)
        }
    }

    /// Tells the gate what an answer was.
    private func note<Value>(
        _ answer: HTTPAnswer, _ verdict: Verdict<Value>, of call: UInt64, sentAt: Double, paid: Int?
    ) -> AttemptOutcome<Value> {
        let result: AttemptResult =
            switch verdict {
            case .value, .failed, .denied: .succeeded
            case .throttled: .throttled
            case .retry: ErrorCodes.isTransient(status: answer.status) ? .failed(.serverError) : .unusable
            }
        var outcome = AttemptOutcome(verdict: verdict, status: answer.status)
        outcome.requestID = verdict.fault?.requestID ?? answer.requestID
        var hold: Double?
        if result != .succeeded {
            outcome.retryAfterMilliseconds = answer.header("x-amz-retry-after")
            let itsNow = answer.header("Date").flatMap { HTTPDate.unixSeconds($0) } ?? clockSkew.unixNow
            hold = answer.header("Retry-After").flatMap { RetryPolicy.retryAfter($0, unixNow: itsNow) }
                // A service that asks for more than an outage may last is away.
                .map { min($0, configuration.retry.outage) }
        } else if case .denied = verdict {
            outcome.date = answer.header("Date")
        }
        silence.withLock { $0.note(result, sentAt: sentAt) }
        var words: String?
        switch verdict {
        case .retry(let fault), .throttled(let fault): words = fault.origin
        case .value, .failed, .denied: break
        }
        outcome.isOutage = gate.finished(
            result, sentAt: sentAt, paid: paid, call: call, holdFor: hold, failure: words)
        return outcome
    }

    /// Corrects the clock, or fetches newer credentials, once for each call; false where there is nothing to mend.
    private func mend(_ fault: ServiceFault, date: String?, _ mending: inout Mending, _ call: inout CallProgress)
        async throws -> Bool
    {
        if ErrorCodes.clockSkew.contains(fault.code), !mending.mendedClock, let date,
            let correction = clockSkew.learn(date: date, signedWith: mending.clockSkew)
        {
            if correction.isNews {
                let seconds = correction.seconds
                logger.warning(
                    "this machine's clock is \(abs(seconds)) s \(seconds > 0 ? "behind" : "ahead of") the service's")
            }
            mending.mendedClock = true
            return true
        }
        // A key that was taken back may have a successor, too.
        if ErrorCodes.expiredToken.contains(fault.code) || ErrorCodes.unknownKey.contains(fault.code),
            mending.rejected == nil, let used = mending.key
        {
            mending.rejected = used
            let asked = gate.now
            let newer = try await key(rejected: used)
            call.paused += gate.now - asked
            return newer != used
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

    /// One line for each attempt; it holds no path, header or body.
    private func log<Value>(
        _ result: AttemptOutcome<Value>, of call: CallProgress, label: () -> String, milliseconds: Double
    ) {
        var metadata: Logger.Metadata {
            var metadata: Logger.Metadata = [
                "call": "\(label())", "attempt": "\(call.attempts)", "elapsed_ms": "\(Int(milliseconds))",
            ]
            if let status = result.status { metadata["status"] = "\(status)" }
            if let id = result.requestID { metadata["request_id"] = "\(id)" }
            if let fault = result.verdict.fault { metadata["code"] = "\(fault.code)" }
            return metadata
        }
        logger.debug(result.verdict.fault == nil ? "attempt answered" : "attempt failed", metadata: metadata)
    }
}
