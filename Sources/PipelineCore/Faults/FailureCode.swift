/// Why a record failed, as `failures.code` spells it where the service doesn't say: its own codes stand there as they come.
///
/// The only list of these codes: what is told of one, where it comes from and what helps follows from here.
public enum FailureCode: String, Sendable, CaseIterable {
    // A list's.
    case emptyUserID = "EmptyUserId"
    case invalidUserID = "InvalidUserId"
    case invalidEncoding = "InvalidEncoding"
    case invalidJSON = "InvalidJSON"
    case missingField = "MissingField"
    case surplusFields = "SurplusFields"
    case unterminatedQuote = "UnterminatedQuote"
    // An archive's.
    case malformedRecord = "MalformedRecord"
    case wrongApplication = "WrongApplication"
    case damagedFile = "DamagedFile"
    case unreadableFile = "UnreadableFile"
    // A call's.
    case throttled = "Throttled"
    case malformedResponse = "MalformedResponse"
    case timeout = "Timeout"
    case connectionFailed = "ConnectionFailed"
    case hostNotFound = "HostNotFound"
    case certificateInvalid = "CertificateInvalid"
    case tlsHandshakeFailed = "TLSHandshakeFailed"
    case bodyTooLarge = "BodyTooLarge"
    case unknown = "Unknown"
    // An answer's.
    case unstorableKey = "UnstorableKey"
    // A sink's.
    case refusedBySink = "RefusedBySink"

    /// Where a failure comes from.
    public enum Origin: String, Sendable, CaseIterable {
        /// A list holds no usable ID there. (An archive in rows or documents may have some of these codes as well.)
        case list
        /// An archive holds no usable record there.
        case archive
        /// No usable answer came, whatever was tried.
        case call
        /// The answer, or the archive's record, came; it can't be made into rows.
        case answer
        /// A sink didn't take the rows.
        case sink
    }

    public var origin: Origin { facts.origin }
    /// One clause for people.
    public var meaning: String { facts.meaning }

    /// Whether asking the service again can mend it. What is wrong with the input stays wrong.
    public var isMendedByAsking: Bool { origin != .list && origin != .archive }

    private var facts: (origin: Origin, meaning: String) {
        switch self {
        case .emptyUserID: (.list, "the user ID is empty")
        case .invalidUserID: (.list, "the user ID is '.' or '..', which would address another resource")
        case .invalidEncoding: (.list, "the text isn't in the encoding of the input")
        case .invalidJSON: (.list, "the line isn't a JSON document")
        case .missingField: (.list, "the record lacks the field that holds the user ID")
        case .surplusFields: (.list, "the row has more fields than the first one, so nobody knows which one is the ID")
        case .unterminatedQuote: (.list, "a quoted field is still open at the end of the input")
        case .malformedRecord: (.archive, "the record isn't what an archive holds")
        case .wrongApplication: (.archive, "the record belongs to another application than the configured one")
        case .damagedFile: (.archive, "the file ends early or is corrupt")
        case .unreadableFile: (.archive, "the file holds something else than an archive does, or can't be opened")
        case .throttled: (.call, "the service throttled every attempt until the user's deadline")
        case .malformedResponse: (.call, "the answer isn't the service's own: a proxy's or a firewall's, for example")
        case .timeout: (.call, "no answer came in time")
        case .connectionFailed: (.call, "the connection was refused, or broke")
        case .hostNotFound: (.call, "the host's name couldn't be resolved")
        case .certificateInvalid: (.call, "the server's certificate doesn't verify")
        case .tlsHandshakeFailed: (.call, "no encrypted connection could be agreed on")
        case .bodyTooLarge: (.call, "the answer is larger than any that the service gives")
        case .unknown: (.call, "no usable answer came, and no attempt says why")
        case .unstorableKey: (.answer, "a user, endpoint or application ID can't be stored as a key")
        case .refusedBySink: (.sink, "the store refused the record's rows because of their content")
        }
    }
}
