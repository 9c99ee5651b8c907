internal import AWSSigning

/// The token of `aws sso login`, from the CLI's cache. One that can be renewed is: 15 min ahead, and written back for the
/// CLI and all others that use the cache.
struct SSOTokenSource: Sendable {
    let access: SSOAccess
    let settings: ClientSettings
    let transport: CredentialTransport
    let memory: SSOTokenMemory
    let warn: @Sendable (String) -> Void

    private static let timeout = 10.0
    private static let attempts = 3
    /// Seconds before its end from which on a token is renewed; botocore's.
    private static let window = 900.0

    var login: String { "run `aws sso login --profile \(access.profile)`" }

    /// - Throws: `CredentialError`, `CancellationError`
    func token() async throws -> String {
        let path = try path()
        let (token, stored) = try read(path)
        let now = Double(WallClock.unixSeconds)
        guard token.expiration - now < Self.window else { return token.text }
        let isAlive = token.expiration > now
        guard let registration = registration(of: token) else {
            if isAlive { return token.text }
            throw CredentialError("the SSO token has expired", hint: login)
        }
        do {
            return try await renew(token, registration, path, stored: stored)
        } catch let error as CredentialError {
            // Another process may have been quicker; a token is renewed with each other one only once.
            let (latest, _) = try read(path)
            if latest.text != token.text, latest.expiration > now { return latest.text }
            if isAlive { return token.text }
            throw error
        }
    }

    /// A newer one than that which the service refused; nil where there is none.
    ///
    /// - Throws: `CredentialError`, `CancellationError`
    func token(after refused: String) async throws -> String? {
        let path = try path()
        let (token, stored) = try read(path)
        if token.text != refused { return token.text }
        guard let registration = registration(of: token) else { return nil }
        return try await renew(token, registration, path, stored: stored)
    }

    /// What a token can be renewed with; nil where it can't. Only tokens of an `[sso-session]` can.
    private func registration(of token: SSOToken) -> SSOToken.Registration? {
        guard access.session != nil, let registration = token.registration,
            registration.expiration > Double(WallClock.unixSeconds)
        else { return nil }
        return registration
    }

    private func path() throws(CredentialError) -> String {
        guard let home = settings.variable("HOME") else {
            throw CredentialError("HOME isn't set, so the cache of `aws sso login` can't be found", hint: "set HOME")
        }
        return "\(home)/.aws/sso/cache/\(CacheName.sha1(access.cacheKey)).json"
    }

    /// - Returns: the token, and that of the file, which differs where a newer one couldn't be written.
    private func read(_ path: String) throws(CredentialError) -> (SSOToken, stored: String) {
        let content: [UInt8]
        do throws(FileAccess.Failure) {
            content = try settings.files.bytes(path)
        } catch {
            switch error {
            case .missing:
                throw CredentialError("nobody has logged in: \(path) doesn't exist", hint: login, kind: .unsettled)
            case .unreadable(let reason):
                throw CredentialError(
                    "the cached token \(path) can't be read: \(reason)", hint: login, kind: .unsettled)
            }
        }
        let document: JSONValue
        do throws(JSONValue.Malformed) {
            document = try JSONValue(decoding: content)
        } catch {
            throw CredentialError("the cached token \(path) is malformed", hint: login, kind: .unsettled)
        }
        guard let token = SSOToken(document) else {
            throw CredentialError("the cached token \(path) is malformed", hint: login, kind: .unsettled)
        }
        return (memory.token(insteadOf: token.text) ?? token, token.text)
    }

    // MARK: - Renewing

    private func renew(
        _ token: SSOToken, _ registration: SSOToken.Registration, _ path: String, stored: String
    ) async throws -> String {
        let answer = try await ask(registration)
        let document = try? JSONValue(decoding: answer.body)
        guard answer.status == 200 else {
            // "SlowDownException", "InvalidGrantException" …
            let code =
                document?["error"]?.string
                ?? (answer.header("x-amzn-ErrorType") ?? document?["__type"]?.string).map { ErrorCodes.code(in: $0) }
            let secrets = [registration.refreshToken, registration.clientSecret, registration.clientID]
            let words = code.map { " " + CredentialDocument.words($0, without: secrets) } ?? ""
            let isAway =
                CredentialTransport.isAway(answer.status) || code == "slow_down" || code == "SlowDownException"
            throw CredentialError(
                "the SSO token has expired, and IAM Identity Center "
                    + (isAway ? "can't renew it now" : "doesn't renew it") + ": \(answer.status)\(words)",
                hint: login, kind: isAway ? .away : .refusal)
        }
        let renewed = document.flatMap { token.renewed(by: $0, access: access, now: WallClock.unixSeconds) }
        guard let renewed else {
            throw CredentialError(
                "the SSO token has expired, and IAM Identity Center answered with something else than a token",
                hint: "check whether a proxy answers in its place", kind: .unsettled)
        }
        do throws(FileAccess.Failure) {
            try settings.files.replace(path, with: Array(JSONValue.object(renewed.members).text.utf8))
        } catch {
            memory.keep(renewed, insteadOf: stored)
            if case .unreadable(let reason) = error {
                warn("the renewed SSO token can't be written to \(path): \(reason); it is kept for this run alone")
            }
        }
        return renewed.text
    }

    private func ask(_ registration: SSOToken.Registration) async throws -> HTTPAnswer {
        let place: EndpointResolution
        do throws(EndpointResolution.Failure) {
            place = try EndpointResolution(.ssoOIDC, region: access.region, endpointURL: nil, settings: settings)
        } catch {
            throw CredentialError("its sso_region leads to no endpoint: \(error.words)", hint: "correct sso_region")
        }
        let body = JSONValue.object([
            "grantType": .string("refresh_token"), "clientId": .string(registration.clientID),
            "clientSecret": .string(registration.clientSecret), "refreshToken": .string(registration.refreshToken),
        ])
        let request = CredentialRequest(
            "POST", place.endpoint, place.endpoint.pathPrefix + "/token",
            headers: [("Content-Type", "application/json"), ("Accept", "application/json")],
            body: Array(body.text.utf8), timeout: Self.timeout, usesProxy: true)
        do {
            return try await transport.send(request, attempts: Self.attempts)
        } catch let failure as TransportFailure {
            throw CredentialError(
                "the SSO token has expired, and IAM Identity Center at \(place.endpoint.authority) can't be asked for a "
                    + "new one: \(failure.message)",
                hint: "check the network, sso_region and HTTPS_PROXY", kind: failure.credentialKind)
        }
    }
}
