/// Signs requests for one service in one region, with SigV4 in the `Authorization` header.
public struct RequestSigner: Sendable {
    public let region: String
    public let service: String
    /// True for every service but S3.
    public let normalizesPath: Bool
    private let keys = SigningKeyCache(capacity: 4)

    public init(region: String, service: String, normalizesPath: Bool = true) {
        self.region = region
        self.service = service
        self.normalizesPath = normalizesPath
    }

    /// What a request carries besides its own headers.
    public struct Signature: Sendable, Hashable {
        /// The value of `X-Amz-Date`.
        public let date: String
        /// The value of `X-Amz-Security-Token`, nil where there is none.
        public let sessionToken: String?
        /// The value of `Authorization`.
        public let authorization: String
    }

    /// Signs one attempt.
    ///
    /// - Parameters:
    ///   - target: path and query exactly as they go over the wire.
    ///   - headers: the request's own headers, `Host` among them. Those that a proxy or the transport may change
    ///     (`neverSigned`) are left out of the signature.
    ///   - payloadHash: lower-case hex of the body's SHA-256.
    ///   - signsSessionToken: false where the token is added behind the signature.
    public func sign(
        method: String, target: String, headers: [SigningHeader],
        payloadHash: String = CanonicalRequest.emptyPayloadHash, credentials: SigningCredentials,
        at time: SigningTime, signsSessionToken: Bool = true
    ) -> Signature {
        let date = time.text
        let canonical = canonicalRequest(
            method: method, target: target, headers: headers, payloadHash: payloadHash, date: date,
            sessionToken: signsSessionToken ? credentials.sessionToken : nil)
        let scope = CredentialScope(day: String(date.prefix(8)), region: region, service: service)
        let signature = keys.key(for: credentials, scope: scope)
            .signature(canonical.stringToSign(at: time, scope: scope))
        return Signature(
            date: date, sessionToken: credentials.sessionToken,
            authorization: AuthorizationHeader(
                accessKeyID: credentials.accessKeyID, scope: scope, signedHeaders: canonical.signedHeaders,
                signature: signature
            ).text)
    }

    /// The canonical request that `sign` hashes.
    public func canonicalRequest(
        method: String, target: String, headers: [SigningHeader],
        payloadHash: String = CanonicalRequest.emptyPayloadHash, date: String, sessionToken: String?
    ) -> CanonicalRequest {
        var signed = headers.filter { !Self.neverSigned.contains($0.name.lowercased()) }
        signed.append(SigningHeader("x-amz-date", date))
        if let sessionToken { signed.append(SigningHeader("x-amz-security-token", sessionToken)) }
        return CanonicalRequest(
            method: method, target: target, headers: signed, payloadHash: payloadHash,
            normalizingPath: normalizesPath)
    }

    /// Headers that a hop on the way may change, in lower case.
    public static let neverSigned: Set<String> = [
        "authorization", "connection", "expect", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
    ]
}
