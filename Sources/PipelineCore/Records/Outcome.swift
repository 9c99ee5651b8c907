/// What became of one user.
public enum Outcome: Sendable {
    /// The user's endpoints; none is a valid answer.
    case found(EndpointTape)
    /// The service says that it knows no such user.
    case absent
    case failed(RecordFailure)
}

/// Why a record failed, in the words of the `failures` table.
public struct RecordFailure: Sendable, Equatable, Error {
    /// The HTTP status of the last answer, if there was one.
    public var status: Int?
    /// The service's code, or the spelling of a `FailureCode`.
    public var code: String
    /// For a person; holds no secret and no masked value.
    public var message: String
    public var requestID: String?
    /// Calls sent for this record, 0 for faulty input.
    public var attempts: Int
    /// The input's bytes where it held no usable ID.
    public var raw: [UInt8]?

    public init(
        status: Int? = nil, code: String, message: String, requestID: String? = nil, attempts: Int = 0,
        raw: [UInt8]? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.requestID = requestID
        self.attempts = attempts
        self.raw = raw
    }

    /// A failure that nobody was asked for.
    public init(_ code: FailureCode, _ message: String, raw: [UInt8]? = nil) {
        self.init(code: code.rawValue, message: message, raw: raw)
    }

    public init(_ fault: InputFault) { self.init(fault.code, fault.message, raw: fault.raw) }
}
