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
    /// The service's code, or one of this project's (`MalformedResponse`, `EmptyUserId` …).
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

    public init(_ fault: InputFault) {
        self.init(code: fault.code.rawValue, message: fault.message, raw: fault.raw)
    }
}
