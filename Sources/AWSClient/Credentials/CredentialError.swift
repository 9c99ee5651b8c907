package import AWSSigning

/// Why there are no credentials: which source failed, why, and what to do.
public struct CredentialError: Error, Sendable, Hashable {
    /// What a failure means for those who wait for credentials.
    public enum Kind: Sendable, Hashable {
        /// The source says no, or isn't set up: asking again is no use.
        case refusal
        /// The source is away, overloaded, or slow: it may have an answer in seconds.
        case away
        /// A refusal, unless the source has given credentials before: it may just be changing, such as a file that
        /// another program writes anew.
        case unsettled
        /// The source's name doesn't exist, or its certificate doesn't verify: a wrong setting, unless the source has
        /// given credentials before.
        case unreachable
    }

    /// Names the source. Holds no secret.
    public let message: String
    /// What to do next.
    public let hint: String?
    public let kind: Kind

    public init(_ message: String, hint: String? = nil) {
        self.init(message, hint: hint, kind: .refusal)
    }

    public init(_ message: String, hint: String? = nil, kind: Kind) {
        self.message = message
        self.hint = hint
        self.kind = kind
    }

    /// The same, told as a part of something larger.
    func within(_ place: String) -> CredentialError {
        CredentialError("\(place): \(message)", hint: hint, kind: kind)
    }

    /// The same, where a refusal of files or settings may be a change that isn't complete yet.
    var whileChanging: CredentialError {
        CredentialError(message, hint: hint, kind: kind == .refusal ? .unsettled : kind)
    }

    /// The same, to a caller whose source has given credentials before: what may come back is away.
    var afterCredentials: CredentialError {
        CredentialError(message, hint: hint, kind: kind == .refusal ? .refusal : .away)
    }
}

extension TransportFailure {
    /// What it means of a source of credentials that brought no answer.
    var credentialKind: CredentialError.Kind {
        switch circuitFailure {
        case .unknownHost, .certificate: .unreachable
        default: .away
        }
    }
}

/// Credentials with the time they live for.
package struct LoadedCredentials: Sendable, Hashable {
    package var credentials: SigningCredentials
    /// Seconds since 1970; nil where they don't expire.
    package var expiration: Double?
    /// Nil where no chain was asked.
    package var origin: CredentialOrigin?

    package init(_ credentials: SigningCredentials, expiration: Double? = nil) {
        self.credentials = credentials
        self.expiration = expiration
    }

    package func from(_ source: String, notFrom passedOver: [String]) -> LoadedCredentials {
        var result = self
        result.origin = CredentialOrigin(source: source, passedOver: passedOver)
        return result
    }
}

/// Where credentials come from, for people.
public struct CredentialOrigin: Sendable, Hashable {
    /// The source of the chain that gave them.
    public var source: String
    /// The sources before it, each with why it gave none.
    public var passedOver: [String]
}
