package import AWSSigning

/// Why there are no credentials: which source failed, why, and what to do.
public struct CredentialError: Error, Sendable, Hashable {
    /// Names the source. Holds no secret.
    public let message: String
    /// What to do next.
    public let hint: String?
    /// The source may have an answer later: it is away, overloaded, or slow.
    public let isTemporary: Bool

    public init(_ message: String, hint: String? = nil, isTemporary: Bool = false) {
        self.message = message
        self.hint = hint
        self.isTemporary = isTemporary
    }

    /// The same, told as a part of something larger.
    func within(_ place: String) -> CredentialError {
        CredentialError("\(place): \(message)", hint: hint, isTemporary: isTemporary)
    }
}

/// Credentials with the time they live for.
package struct LoadedCredentials: Sendable, Hashable {
    package var credentials: SigningCredentials
    /// Seconds since 1970; nil where they don't expire.
    package var expiration: Double?

    package init(_ credentials: SigningCredentials, expiration: Double? = nil) {
        self.credentials = credentials
        self.expiration = expiration
    }
}
