/// The value of an `Authorization` header in the form of SigV4.
public struct AuthorizationHeader: Sendable, Hashable {
    public let accessKeyID: String
    public let scope: CredentialScope
    /// `host;x-amz-date`, as it stands in the header.
    public let signedHeaders: String
    /// Lower-case hex, 64 digits.
    public let signature: String

    public init(accessKeyID: String, scope: CredentialScope, signedHeaders: String, signature: String) {
        self.accessKeyID = accessKeyID
        self.scope = scope
        self.signedHeaders = signedHeaders
        self.signature = signature
    }

    /// Why a header's value isn't one of SigV4.
    public struct Malformed: Error, Sendable, Hashable {
        /// For the caller: which part is missing or wrong.
        public let message: String
    }

    /// Reads `AWS4-HMAC-SHA256 Credential=…/…/…/…/aws4_request, SignedHeaders=…, Signature=…`, the parts in any order.
    public init(parsing value: String) throws(Malformed) {
        let algorithm = "AWS4-HMAC-SHA256"
        guard value.hasPrefix(algorithm + " ") else {
            throw Malformed(message: "Authorization header requires the algorithm '\(algorithm)'.")
        }
        var parts: [Substring: Substring] = [:]
        for part in value.dropFirst(algorithm.count + 1).split(separator: ",") {
            let trimmed = part.drop { $0 == " " }
            guard let equals = trimmed.firstIndex(of: "=") else {
                throw Malformed(message: "Authorization header holds a part without '='.")
            }
            let text = trimmed[trimmed.index(after: equals)...]
            parts[trimmed[..<equals]] = text.prefix { $0 != " " }
        }
        guard let credential = parts["Credential"], !credential.isEmpty else {
            throw Malformed(message: "Authorization header requires 'Credential' parameter.")
        }
        guard let names = parts["SignedHeaders"], !names.isEmpty else {
            throw Malformed(message: "Authorization header requires 'SignedHeaders' parameter.")
        }
        guard let signature = parts["Signature"], signature.utf8.count == 64 else {
            throw Malformed(message: "Authorization header requires 'Signature' parameter.")
        }
        // An access key ID may hold slashes; the scope's four parts are the last ones.
        let fields = credential.split(separator: "/", omittingEmptySubsequences: false)
        guard fields.count >= 5, fields[fields.count - 1] == "aws4_request" else {
            throw Malformed(
                message: "Credential must have the form '<key>/<date>/<region>/<service>/aws4_request'.")
        }
        accessKeyID = fields.dropLast(4).joined(separator: "/")
        scope = CredentialScope(
            day: String(fields[fields.count - 4]), region: String(fields[fields.count - 3]),
            service: String(fields[fields.count - 2]))
        signedHeaders = String(names)
        self.signature = String(signature)
    }

    /// The names in `signedHeaders`, as they were listed.
    public var signedHeaderNames: [String] {
        signedHeaders.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
    }

    /// The header's value.
    public var text: String {
        "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope), SignedHeaders=\(signedHeaders), Signature=\(signature)"
    }
}
