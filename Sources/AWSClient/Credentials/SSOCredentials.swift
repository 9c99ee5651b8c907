internal import AWSSigning

/// The credentials of a role of IAM Identity Center, with the token that `aws sso login` left in its cache.
struct SSOCredentials: Sendable {
    let access: SSOAccess
    let tokens: SSOTokenSource
    let settings: ClientSettings
    let transport: CredentialTransport

    private static let timeout = 10.0
    private static let attempts = 3

    /// - Throws: `CredentialError`, `CancellationError`
    func load() async throws -> LoadedCredentials {
        guard let role = access.role else {
            throw CredentialError(
                "it names an sso_session, but no sso_account_id and sso_role_name: it gives a token and no credentials",
                hint: "add both to the profile, or run `aws configure sso --profile \(access.profile)`")
        }
        var token = try await tokens.token()
        var answer = try await ask(role, token: token)
        // The token was taken back before its time.
        if answer.status == 401, let newer = try await tokens.token(after: token) {
            token = newer
            answer = try await ask(role, token: token)
        }
        return try read(answer, role, token: token)
    }

    private func ask(_ role: SSOAccess.Role, token: String) async throws -> HTTPAnswer {
        let place: EndpointResolution
        do throws(EndpointResolution.Failure) {
            place = try EndpointResolution(.sso, region: access.region, endpointURL: nil, settings: settings)
        } catch {
            throw CredentialError("its sso_region leads to no endpoint: \(error.words)", hint: "correct sso_region")
        }
        let target =
            "\(place.endpoint.pathPrefix)/federation/credentials?role_name=\(URIEncoding.encode(role.name))"
            + "&account_id=\(URIEncoding.encode(role.accountID))"
        let request = CredentialRequest(
            "GET", place.endpoint, target,
            headers: [("x-amz-sso_bearer_token", token), ("Accept", "application/json")], timeout: Self.timeout,
            usesProxy: true)
        do {
            return try await transport.send(request, attempts: Self.attempts)
        } catch let failure as TransportFailure {
            throw CredentialError(
                "IAM Identity Center at \(place.endpoint.authority) can't be asked: \(failure.message)",
                hint: "check the network, sso_region and HTTPS_PROXY", kind: failure.credentialKind)
        }
    }

    private var login: String { tokens.login }

    private func read(_ answer: HTTPAnswer, _ role: SSOAccess.Role, token: String) throws(CredentialError)
        -> LoadedCredentials
    {
        let document = try? JSONValue(decoding: answer.body)
        guard answer.status == 200 else {
            let message = (document?["message"] ?? document?["Message"])?.string
            let words = message.map { ": " + CredentialDocument.words($0, without: [token]) } ?? ""
            let isExpired = answer.status == 401
            throw CredentialError(
                "IAM Identity Center refused the credentials of role \(role.name) in account \(role.accountID): "
                    + "\(answer.status)\(words)",
                hint: isExpired ? login : "check sso_account_id and sso_role_name, or \(login)",
                kind: CredentialTransport.isAway(answer.status) ? .away : .refusal)
        }
        guard let credentials = document?["roleCredentials"], let key = credentials["accessKeyId"]?.string,
            let secret = credentials["secretAccessKey"]?.string,
            let milliseconds = credentials["expiration"]?.number, let session = credentials["sessionToken"]?.string
        else {
            throw CredentialError(
                "IAM Identity Center answered with something else than credentials",
                hint: "check whether a proxy answers in its place", kind: .unsettled)
        }
        return LoadedCredentials(
            try CredentialDocument.checked(
                SigningCredentials(
                    accessKeyID: key, secretAccessKey: secret, sessionToken: session)),
            expiration: (milliseconds / 1000).rounded(.down))
    }
}
