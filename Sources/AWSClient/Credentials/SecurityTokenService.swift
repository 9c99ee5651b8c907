internal import AWSSigning

/// STS: turns credentials or a token into those of a role.
struct SecurityTokenService: Sendable {
    let place: EndpointResolution
    let transport: CredentialTransport

    private static let version = "2011-06-15"
    private static let timeout = 10.0
    private static let attempts = 3
    /// The services tolerate 5 min; beyond 4 the clock is to blame.
    private static let toleratedSkew = 240

    /// - Throws: `CredentialError`, `CancellationError`
    func assume(_ role: AssumedRole, with credentials: SigningCredentials) async throws -> LoadedCredentials {
        var fields = [
            ("Action", "AssumeRole"), ("Version", Self.version), ("RoleArn", role.roleARN),
            ("RoleSessionName", role.sessionName ?? Self.sessionName),
        ]
        if let seconds = role.durationSeconds { fields.append(("DurationSeconds", String(seconds))) }
        if let id = role.externalID { fields.append(("ExternalId", id)) }
        let secrets = [credentials.secretAccessKey, credentials.sessionToken, role.externalID]
        var answer = try await post(fields, role.roleARN, credentials)
        // A clock that is wrong is corrected by the service's own, once.
        if answer.status != 200, ErrorCodes.clockSkew.contains(Self.code(answer)),
            let server = answer.header("Date").flatMap(HTTPDate.unixSeconds),
            abs(server - WallClock.unixSeconds) > Self.toleratedSkew
        {
            answer = try await post(fields, role.roleARN, credentials, skew: server - WallClock.unixSeconds)
        }
        return try Self.read(answer, action: "AssumeRole", roleARN: role.roleARN, secrets: secrets)
    }

    /// Unsigned: the token speaks for itself.
    ///
    /// - Throws: `CredentialError`, `CancellationError`
    func assume(_ role: WebIdentityRole, token: String) async throws -> LoadedCredentials {
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", Self.version), ("RoleArn", role.roleARN),
            ("RoleSessionName", role.sessionName ?? Self.sessionName), ("WebIdentityToken", token),
        ]
        let answer = try await post(fields, role.roleARN, nil)
        return try Self.read(answer, action: "AssumeRoleWithWebIdentity", roleARN: role.roleARN, secrets: [token])
    }

    private static var sessionName: String { "sluice-\(WallClock.unixSeconds)" }

    private func post(
        _ fields: [(String, String)], _ roleARN: String, _ credentials: SigningCredentials?, skew: Int = 0
    ) async throws -> HTTPAnswer {
        let body = fields.map { "\($0.0)=\(URIEncoding.encode($0.1))" }.joined(separator: "&")
        let target = place.endpoint.pathPrefix + "/"
        var request = CredentialRequest(
            "POST", place.endpoint, target, body: Array(body.utf8), timeout: Self.timeout, usesProxy: true)
        request.headers = [
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("Accept", "application/xml"),
        ]
        if let credentials {
            let signature = RequestSigner(region: place.region, service: "sts").sign(
                method: "POST", target: target, headers: [SigningHeader("host", place.endpoint.authority)],
                payloadHash: CanonicalRequest.payloadHash(request.body), credentials: credentials,
                at: SigningTime(unixSeconds: WallClock.unixSeconds + skew))
            request.headers.append(("X-Amz-Date", signature.date))
            if let token = signature.sessionToken { request.headers.append(("X-Amz-Security-Token", token)) }
            request.headers.append(("Authorization", signature.authorization))
        }
        do {
            return try await transport.send(request, attempts: Self.attempts) { answer in
                let code = Self.code(answer)
                return Self.isAway(code)
            }
        } catch let failure as TransportFailure {
            throw CredentialError(
                "STS at \(place.endpoint.authority) can't be asked for \(roleARN): \(failure.message)",
                hint: "check the network, the region, HTTPS_PROXY and AWS_ENDPOINT_URL_STS",
                kind: failure.credentialKind)
        }
    }

    private static func code(_ answer: HTTPAnswer) -> String {
        guard answer.status != 200 else { return "" }
        return XMLText.element("Code", in: String(decoding: answer.body, as: UTF8.self)) ?? ""
    }

    private static func read(
        _ answer: HTTPAnswer, action: String, roleARN: String, secrets: [String?]
    ) throws(CredentialError) -> LoadedCredentials {
        let text = String(decoding: answer.body, as: UTF8.self)
        guard answer.status == 200 else {
            throw refusal(answer.status, text, action: action, roleARN: roleARN, secrets: secrets)
        }
        guard let part = XMLText.content("Credentials", in: text),
            let key = XMLText.element("AccessKeyId", in: part), !key.isEmpty,
            let secret = XMLText.element("SecretAccessKey", in: part), !secret.isEmpty,
            let token = XMLText.element("SessionToken", in: part), !token.isEmpty,
            let expiration = XMLText.element("Expiration", in: part).flatMap(CredentialTime.unixSeconds)
        else {
            throw CredentialError(
                "STS answered \(action) of \(roleARN) with something else than credentials",
                hint: "check AWS_ENDPOINT_URL_STS, and whether a proxy answers in its place", kind: .unsettled)
        }
        let credentials = SigningCredentials(accessKeyID: key, secretAccessKey: secret, sessionToken: token)
        return LoadedCredentials(try CredentialDocument.checked(credentials), expiration: expiration)
    }

    private static func refusal(
        _ status: Int, _ text: String, action: String, roleARN: String, secrets: [String?]
    ) -> CredentialError {
        let code = XMLText.element("Code", in: text).map { CredentialDocument.words($0, without: secrets) } ?? ""
        // A message about a signature repeats the request that was signed, token and all.
        let isOfSignature = ErrorCodes.clockSkew.contains(code)
        let message = isOfSignature ? nil : XMLText.element("Message", in: text)
        let words = message.map { ": " + CredentialDocument.words($0, without: secrets) } ?? ""
        let kind: CredentialError.Kind =
            if CredentialTransport.isAway(status) || isAway(code) { .away } else {
                // Without a code it isn't STS that answers; and whoever writes a token's file may write a new one.
                code.isEmpty || ErrorCodes.expiredToken.contains(code) ? .unsettled : .refusal
            }
        return CredentialError(
            "STS refused \(action) of \(roleARN): \(status)\(code.isEmpty ? "" : " \(code)")\(words)",
            hint: hint(code, action: action), kind: kind)
    }

    /// STS, or the identity provider that it asks, is overloaded or away.
    private static func isAway(_ code: String) -> Bool {
        ErrorCodes.throttling.contains(code) || ErrorCodes.transient.contains(code) || code == "IDPCommunicationError"
            || code == "ServiceUnavailable" || code == "InternalFailure" || code == "InternalError"
    }

    private static func hint(_ code: String, action: String) -> String {
        switch code {
        case "AccessDenied", "AccessDeniedException":
            "the role's trust policy must allow the caller, and the caller needs the permission sts:\(action)"
        case _ where ErrorCodes.expiredToken.contains(code):
            "the credentials or the token that assume the role have expired; get new ones"
        case "InvalidIdentityToken", "IDPRejectedClaim":
            "check the token's file and the role's identity provider"
        case _ where ErrorCodes.clockSkew.contains(code): "check the secret key and this machine's clock"
        case "InvalidClientTokenId", "UnrecognizedClientException":
            "check the access key of the credentials that assume the role"
        default: "check the role's ARN, the region, and the profile"
        }
    }
}
