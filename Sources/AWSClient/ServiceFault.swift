/// What an attempt met instead of a usable answer, in the service's words where it gave some.
public struct ServiceFault: Error, Sendable, Hashable {
    /// HTTP status; nil where no answer came.
    public var status: Int?
    public var code: String
    public var message: String
    public var requestID: String?

    public init(status: Int? = nil, code: String, message: String, requestID: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.requestID = requestID
    }

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
}

/// How a call ended.
public enum Reply<Value: Sendable>: Sendable {
    case value(Value)
    case failed(ServiceFault, attempts: Int)
    case denied(ServiceFault)
}

/// What ends all calls.
public enum ServiceClientError: Error, Sendable, Hashable {
    /// The service is away: for longer than an outage may last, or it was never there. Words on what the last attempt met.
    case unavailable(String)
    case credentials(CredentialError)
}
