internal import AWSSigning

/// Checks that a request is signed with SigV4, as the service does: what is wrong first decides the answer.
struct SignatureCheck: Sendable {
    private let credentials: SigningCredentials
    private let region: String?
    private let keys = SigningKeyCache(capacity: 8)

    /// How far a request's date may be from the server's, in seconds.
    static let tolerance = 300
    static let service = "mobiletargeting"

    init(_ requirement: EndpointServer.SignatureRequirement) {
        credentials = SigningCredentials(
            accessKeyID: requirement.accessKeyID, secretAccessKey: requirement.secretAccessKey,
            sessionToken: requirement.sessionToken)
        region = requirement.region
    }

    /// - Parameters:
    ///   - target: the request target's raw bytes.
    ///   - headers: all of them, as they came.
    ///   - now: seconds since 1970.
    /// - Returns: nil where the signature is right.
    func fault(method: String, target: String, headers: [SigningHeader], body: [UInt8], now: Int) -> ServiceError? {
        let authorizations = values("authorization", headers)
        guard let value = authorizations.first else {
            return ServiceError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        }
        guard authorizations.count == 1 else { return incomplete("There is more than one Authorization header.") }
        let authorization: AuthorizationHeader
        do {
            authorization = try AuthorizationHeader(parsing: value)
        } catch {
            return incomplete(error.message)
        }
        let dates = values("x-amz-date", headers)
        guard dates.count == 1, let date = SigningTime(dates[0]) else {
            return incomplete("The request needs one 'X-Amz-Date' header of the form YYYYMMDD'T'HHMMSS'Z'.")
        }
        guard values("host", headers).count == 1 else { return incomplete("The request needs one 'Host' header.") }
        let tokens = values("x-amz-security-token", headers)
        guard authorization.accessKeyID == credentials.accessKeyID, tokensMatch(tokens) else {
            return ServiceError(
                403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        }
        if let fault = scopeFault(authorization.scope, date) { return fault }
        if let fault = dateFault(date, now) { return fault }
        if let name = SignatureVerification.unsignedHeaders(authorization, headers: headers).first {
            return invalid("'\(name)' must be a 'SignedHeader' in the AWS Authorization.")
        }
        let expected = SignatureVerification.expectedSignature(
            of: authorization, method: method, target: target, headers: headers,
            payloadHash: body.isEmpty ? CanonicalRequest.emptyPayloadHash : CanonicalRequest.payloadHash(body),
            credentials: credentials, at: date, keys: keys
        ).signature
        guard SignatureVerification.equal(expected, authorization.signature) else {
            return invalid(
                "The request signature we calculated does not match the signature you provided. "
                    + "Check your AWS Secret Access Key and signing method.")
        }
        return nil
    }

    private func scopeFault(_ scope: CredentialScope, _ date: SigningTime) -> ServiceError? {
        if scope.day != date.day {
            return invalid("Credential should be scoped to the date of the request, '\(date.day)'.")
        }
        if let region, scope.region != region {
            return invalid("Credential should be scoped to a valid region, '\(region)'.")
        }
        if scope.region.isEmpty { return invalid("Credential should be scoped to a valid region.") }
        if scope.service != Self.service {
            return invalid("Credential should be scoped to correct service: '\(Self.service)'.")
        }
        return nil
    }

    private func dateFault(_ date: SigningTime, _ now: Int) -> ServiceError? {
        let here = SigningTime(unixSeconds: now).text
        if date.unixSeconds < now - Self.tolerance {
            let limit = SigningTime(unixSeconds: now - Self.tolerance).text
            return invalid("Signature expired: \(date.text) is now earlier than \(limit) (\(here) - 5 min.)")
        }
        if date.unixSeconds > now + Self.tolerance {
            let limit = SigningTime(unixSeconds: now + Self.tolerance).text
            return invalid("Signature not yet current: \(date.text) is still later than \(limit) (\(here) + 5 min.)")
        }
        return nil
    }

    private func tokensMatch(_ tokens: [String]) -> Bool {
        guard let expected = credentials.sessionToken else { return tokens.isEmpty }
        return tokens.count == 1 && SignatureVerification.equal(tokens[0], expected)
    }

    private func values(_ name: String, _ headers: [SigningHeader]) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    private func incomplete(_ message: String) -> ServiceError {
        ServiceError(403, "IncompleteSignatureException", message)
    }

    private func invalid(_ message: String) -> ServiceError {
        ServiceError(403, "InvalidSignatureException", message)
    }
}
