/// What a server needs to check a signed request.
public enum SignatureVerification {
    /// The signature that a request should carry, from its raw wire form and the headers that it lists as signed.
    ///
    /// A listed header that the request lacks counts as empty, so the signatures differ.
    ///
    /// - Parameters:
    ///   - target: path and query exactly as they came over the wire.
    ///   - headers: all headers as they came.
    ///   - payloadHash: lower-case hex of the body's SHA-256.
    public static func expectedSignature(
        of authorization: AuthorizationHeader, method: String, target: String, headers: [SigningHeader],
        payloadHash: String = CanonicalRequest.emptyPayloadHash, credentials: SigningCredentials, at time: SigningTime,
        normalizingPath: Bool = true, keys: SigningKeyCache
    ) -> (canonicalRequest: CanonicalRequest, signature: String) {
        var signed: [SigningHeader] = []
        for name in authorization.signedHeaderNames {
            let matches = headers.filter { $0.name.lowercased() == name }
            signed.append(contentsOf: matches.isEmpty ? [SigningHeader(name, "")] : matches)
        }
        let canonical = CanonicalRequest(
            method: method, target: target, headers: signed, payloadHash: payloadHash,
            normalizingPath: normalizingPath)
        let key = keys.key(for: credentials, scope: authorization.scope)
        return (canonical, key.signature(canonical.stringToSign(at: time, scope: authorization.scope)))
    }

    /// The names that a signature must cover and doesn't: `host`, and every `x-amz-…` that the request carries.
    public static func unsignedHeaders(_ authorization: AuthorizationHeader, headers: [SigningHeader]) -> [String] {
        let listed = Set(authorization.signedHeaderNames)
        var missing: [String] = listed.contains("host") ? [] : ["host"]
        for header in headers {
            let name = header.name.lowercased()
            if name.hasPrefix("x-amz-"), !listed.contains(name), !missing.contains(name) { missing.append(name) }
        }
        return missing
    }

    /// Compares without telling by its duration where two texts differ.
    public static func equal(_ one: String, _ other: String) -> Bool {
        let left = Array(one.utf8)
        let right = Array(other.utf8)
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
