internal import AWSSigning

/// Takes out of a text what it repeats of a request's secrets: a service that refuses a signature may quote the
/// `Authorization` header, or the canonical request with the session token in it.
///
/// It is for what is told of an answer, after the answer was judged as it came: a stand-in key of one letter would
/// otherwise make any answer unreadable.
public struct EchoRedaction: Sendable {
    private let key: SigningCredentials
    private let authorization: String

    init(_ key: SigningCredentials, _ authorization: String) {
        self.key = key
        self.authorization = authorization
    }

    /// Shorter texts are hidden only where they stand alone. They are stand-ins for a local server, and a part of many
    /// words.
    private static let shortestAnywhere = 8

    /// The text with `•••` in place of each secret.
    public func hide(_ text: String) -> String {
        let signature = authorization.split(separator: "=").last.map(String.init)
        let secrets = [key.secretAccessKey, key.sessionToken, signature, key.accessKeyID].compactMap { $0 }
            .filter { !$0.isEmpty }
        // JSON may escape a slash, and a path or query escapes more.
        var forms: [String] = []
        for secret in secrets {
            let inJSON = secret.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")
            for form in [secret, inJSON, URIEncoding.encode(secret)] where !forms.contains(form) { forms.append(form) }
        }
        return forms.reduce(text) { Self.hide($1, in: $0) }
    }

    private static func hide(_ form: String, in text: String) -> String {
        guard text.contains(form) else { return text }
        let isShort = form.utf8.count < shortestAnywhere
        var rest = text[...]
        var result = ""
        while let range = rest.firstRange(of: form) {
            let isPart =
                isShort
                && (isWordCharacter(rest[..<range.lowerBound].last ?? result.last)
                    || isWordCharacter(rest[range.upperBound...].first))
            result += rest[..<range.lowerBound] + (isPart ? form : "•••")
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    private static func isWordCharacter(_ character: Character?) -> Bool {
        guard let character else { return false }
        return character.isLetter || character.isNumber
    }
}
