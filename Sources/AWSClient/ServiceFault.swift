/// What an attempt met instead of a usable answer, in the service's words where it gave some.
public struct ServiceFault: Error, Sendable, Hashable {
    /// The code of a call whose time is up while the service throttles it.
    public static let throttledCode = "Throttled"

    /// HTTP status; nil where no answer came.
    public var status: Int?
    public var code: String
    public var message: String
    public var requestID: String?
    /// Attempts of the call that this fault ended; 0 while it goes on.
    public var attempts = 0
    /// Seconds from the call's first attempt to its end, all waits included.
    public var elapsed = 0.0

    public init(status: Int? = nil, code: String, message: String, requestID: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.requestID = requestID
    }

    /// Where it comes from, for a message: `HTTP 503 ServiceUnavailableException, request 6e1f…`.
    public var origin: String {
        let request = requestID.map { ", request \($0)" } ?? ""
        guard let status else { return code + request }
        return (code == "HTTP\(status)" ? "HTTP \(status)" : "HTTP \(status) \(code)") + request
    }

    /// What the call took, for a message of this process: `8 attempts in 12.3 s`.
    public var effort: String { Self.effort(attempts: attempts, seconds: elapsed) }
    /// The same for a message that is kept: `8 attempts`. What is kept holds no time that passed, or equal answers
    /// wouldn't give equal bytes.
    public var lastingEffort: String { Self.effort(attempts: attempts) }

    /// `1 attempt in 0.0 s`
    public static func effort(attempts: Int, seconds: Double) -> String {
        let tenths = Int((max(0, seconds) * 10).rounded())
        return "\(effort(attempts: attempts)) in \(tenths / 10).\(tenths % 10) s"
    }

    private static func effort(attempts: Int) -> String { "\(attempts) attempt\(attempts == 1 ? "" : "s")" }

    init(_ failure: TransportFailure) { self.init(code: failure.code, message: failure.message) }
}

/// What a service's client makes of an answer.
public enum Verdict<Value: Sendable>: Sendable {
    /// Final, and good.
    case value(Value)
    /// Final, and this call's alone.
    case failed(ServiceFault)
    /// Final for everybody: permission, credentials, an unknown application. Clock skew and expired tokens are mended
    /// once before it is believed.
    case denied(ServiceFault)
    /// An answer that is no use; worth another attempt. 5xx among them.
    case retry(ServiceFault)
    case throttled(ServiceFault)

    /// Nil for a good answer.
    var fault: ServiceFault? {
        switch self {
        case .value: nil
        case .failed(let fault), .denied(let fault), .retry(let fault), .throttled(let fault): fault
        }
    }

    var isThrottling: Bool { if case .throttled = self { true } else { false } }
}

/// How a call ended. Faults say how many attempts and how long it took.
public enum Reply<Value: Sendable>: Sendable {
    case value(Value)
    case failed(ServiceFault)
    case denied(ServiceFault)
}

/// What ends all calls.
public enum ServiceClientError: Error, Sendable, Hashable {
    /// The service is away: for longer than an outage may last, or it was never there. Words on what the last attempt met,
    /// and the attempts in a row that brought no answer, with the seconds since the first of them.
    case unavailable(lastFailure: String, attempts: Int, elapsed: Double)
    /// It can't be reached as it is configured, and won't be by waiting: there is no such host, or its certificate
    /// doesn't verify. Words on what the attempt met, and when.
    case unreachable(lastFailure: String, attempts: Int, elapsed: Double)
    /// It throttles every call, for longer than an outage may last. Words on what the last attempt met, and the throttled
    /// attempts in a row, with the seconds since the first of them.
    case throttled(lastFailure: String, attempts: Int, elapsed: Double)
    case credentials(CredentialError)
}
