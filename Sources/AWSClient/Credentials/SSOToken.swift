internal import Synchronization

/// A token in the form in which the AWS CLI keeps it: one JSON object in a file of its own.
struct SSOToken: Sendable, Hashable {
    /// What a token is renewed with.
    struct Registration: Sendable, Hashable {
        let refreshToken: String
        let clientID: String
        let clientSecret: String
        /// Seconds since 1970.
        let expiration: Double
    }

    let text: String
    /// Seconds since 1970.
    let expiration: Double
    let registration: Registration?
    /// All members, those too that mean nothing here.
    let members: [String: JSONValue]

    /// Nil where there is no token in it.
    init?(_ document: JSONValue) {
        guard case .object(let members) = document, let text = members["accessToken"]?.string, !text.isEmpty,
            EnvironmentCredentials.isClean(text),
            let expiration = members["expiresAt"]?.string.flatMap(CredentialTime.unixSeconds)
        else { return nil }
        self.members = members
        self.text = text
        self.expiration = expiration
        func member(_ name: String) -> String? { members[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        registration =
            if let refreshToken = member("refreshToken"), let clientID = member("clientId"),
                let clientSecret = member("clientSecret"),
                let end = member("registrationExpiresAt").flatMap(CredentialTime.unixSeconds)
            {
                Registration(
                    refreshToken: refreshToken, clientID: clientID, clientSecret: clientSecret, expiration: end)
            } else { nil }
    }

    /// The token that takes this one's place; nil where the answer holds none.
    ///
    /// - Parameter now: seconds since 1970.
    func renewed(by answer: JSONValue, access: SSOAccess, now: Int) -> SSOToken? {
        guard let text = answer["accessToken"]?.string, let seconds = answer["expiresIn"]?.number,
            seconds > 0, seconds < 1e9
        else { return nil }
        var members = members
        members["startUrl"] = .string(access.startURL)
        members["region"] = .string(access.region)
        members["accessToken"] = .string(text)
        members["expiresAt"] = .string(CredentialTime.text(unixSeconds: now + Int(seconds)))
        // As the CLI does: the old one has been used.
        members["refreshToken"] = answer["refreshToken"]?.string.map { .string($0) }
        return SSOToken(.object(members))
    }
}

/// Renewed tokens that couldn't be written into their file: kept for the process, under the token they took the place of.
final class SSOTokenMemory: Sendable {
    private let tokens = Mutex<[String: SSOToken]>([:])

    func keep(_ token: SSOToken, insteadOf old: String) { tokens.withLock { $0[old] = token } }
    func token(insteadOf old: String) -> SSOToken? { tokens.withLock { $0[old] } }
}
