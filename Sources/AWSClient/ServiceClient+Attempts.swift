internal import AWSSigning
internal import Logging
internal import Synchronization

/// One attempt: sent, judged, told to the gate and logged.
extension ServiceClient {
    struct AttemptOutcome<Value: Sendable> {
        var verdict: Verdict<Value>
        var status: Int?
        var requestID: String?
        var isOutage = false
        var date: String?
        var retryAfterMilliseconds: String?
    }

    func attempt<Value>(
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
    func note<Value>(
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

    /// One line for each attempt; it holds no path, header or body.
    func log<Value>(
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
