internal import AWSSigning

/// Credentials in the JSON that metadata services and processes hand out.
enum CredentialDocument {
    /// Reads `AccessKeyId`, `SecretAccessKey`, the token and `Expiration`.
    ///
    /// - Parameter token: the token's name, `Token` or `SessionToken`.
    /// - Throws: says what is missing, and nothing of what is there.
    static func credentials(
        in document: JSONValue, token: String
    ) throws(CredentialError) -> LoadedCredentials {
        func text(_ key: String) throws(CredentialError) -> String? {
            switch document[key] {
            case nil, .null: nil
            case .string(let text): text.isEmpty ? nil : text
            // Taking a token or a time for absent would only fail later, and elsewhere.
            default: throw CredentialError("\(key) isn't text in its answer", hint: Self.hint)
            }
        }
        guard let key = try text("AccessKeyId") else { throw missing("AccessKeyId") }
        guard let secret = try text("SecretAccessKey") else { throw missing("SecretAccessKey") }
        let credentials = SigningCredentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: try text(token))
        var loaded = LoadedCredentials(try checked(credentials))
        if let text = try text("Expiration") { loaded.expiration = try expiration(text) }
        return loaded
    }

    private static let hint = "check what answers, and whom it answers for"

    private static func missing(_ name: String) -> CredentialError {
        CredentialError("\(name) is missing in its answer", hint: hint)
    }

    private static func expiration(_ text: String) throws(CredentialError) -> Double {
        guard let seconds = CredentialTime.unixSeconds(text) else {
            throw CredentialError(
                "its answer's Expiration isn't a time", hint: "a time such as 2025-01-02T03:04:05Z is expected")
        }
        return seconds
    }

    /// Refuses what can't stand in a header.
    static func checked(_ credentials: SigningCredentials) throws(CredentialError) -> SigningCredentials {
        let parts = [credentials.accessKeyID, credentials.secretAccessKey, credentials.sessionToken ?? "x"]
        guard parts.allSatisfy({ !$0.isEmpty && EnvironmentCredentials.isClean($0) }) else {
            throw CredentialError(
                "the credentials hold a blank, a line break or another character that none has",
                hint: "write them again, without what came along when they were copied")
        }
        return credentials
    }

    /// What a service says of itself, fit for a message: one line of printable text, without the secrets that the request
    /// held.
    static func words(_ text: String, without secrets: [String?] = []) -> String {
        var result = text
        for case let secret? in secrets where secret.utf8.count > 3 { result.replace(secret, with: "•••") }
        let line = result.prefix { !$0.isNewline }.prefix(300)
        return String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}
