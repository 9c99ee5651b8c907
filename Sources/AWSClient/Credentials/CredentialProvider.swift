public import AWSSigning

/// A source of credentials: a struct around one closure, so that a chain of sources is one as well.
public struct CredentialProvider: Sendable {
    private let source: @Sendable (_ rejected: SigningCredentials?) async throws -> SigningCredentials

    /// - Parameter source: called for every attempt, so it must be cheap where nothing has changed. `rejected` are
    ///   credentials that the service called expired; a source that has no newer ones returns them again.
    public init(
        _ source: @escaping @Sendable (_ rejected: SigningCredentials?) async throws -> SigningCredentials
    ) {
        self.source = source
    }

    /// - Throws: `CredentialError`
    public func credentials(rejected: SigningCredentials? = nil) async throws -> SigningCredentials {
        try await source(rejected)
    }

    /// Always the same.
    public static func fixed(_ credentials: SigningCredentials) -> CredentialProvider {
        CredentialProvider { _ in credentials }
    }

    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; blank is unset. Throws where it is used, not
    /// where it is made.
    public static func environment(_ environment: [String: String]) -> CredentialProvider {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
        }
        let result: Result<SigningCredentials, CredentialError>
        // A line break at the end, as of a file written elsewhere, would spoil the headers of every request.
        let broken = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].first { name in
            value(name)?.utf8.contains { $0 <= 0x20 || $0 >= 0x7F } ?? false
        }
        if let broken {
            let error = CredentialError("\(broken) holds a blank, a line break or another character that none has")
            return CredentialProvider { _ in throw error }
        }
        switch (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        case (let key?, let secret?):
            result = .success(
                SigningCredentials(accessKeyID: key, secretAccessKey: secret, sessionToken: value("AWS_SESSION_TOKEN")))
        case (nil, nil): result = .failure(CredentialError("no AWS credentials in the environment"))
        case (_, nil): result = .failure(CredentialError("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"))
        case (nil, _): result = .failure(CredentialError("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not"))
        }
        return CredentialProvider { _ in try result.get() }
    }
}

/// Why there are no credentials.
public struct CredentialError: Error, Sendable, Hashable {
    /// Holds no secret.
    public let message: String

    public init(_ message: String) { self.message = message }
}
