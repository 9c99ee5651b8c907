internal import AWSSigning

/// Takes out of an error's answer what it repeats of the request: a service that refuses a signature may quote the
/// `Authorization` header, or the canonical request with the session token in it.
enum EchoRedaction {
    /// No service's error is larger; of one that is, nothing is kept.
    static let bodyLimit = 64 << 10

    static func answer(
        _ answer: HTTPAnswer, without key: SigningCredentials, _ authorization: String
    ) -> HTTPAnswer {
        let signature = authorization.split(separator: "=").last.map(String.init)
        let secrets = [key.secretAccessKey, key.sessionToken, signature, key.accessKeyID].compactMap { $0 }
            .filter { !$0.isEmpty }
        // JSON may escape a slash, and a path or query escapes more.
        var forms: [String] = []
        for secret in secrets {
            let inJSON = secret.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/")
            for form in [secret, inJSON, URIEncoding.encode(secret)] where !forms.contains(form) { forms.append(form) }
        }
        let headers = answer.headers.map { (name: $0.name, value: hide(forms, in: $0.value)) }
        guard answer.body.count <= bodyLimit else {
            return HTTPAnswer(status: answer.status, headers: headers, body: [])
        }
        let body = String(decoding: answer.body, as: UTF8.self)
        let hidden = hide(forms, in: body)
        return HTTPAnswer(
            status: answer.status, headers: headers, body: hidden == body ? answer.body : Array(hidden.utf8))
    }

    private static func hide(_ forms: [String], in text: String) -> String {
        var text = text
        for form in forms where text.contains(form) {
            var rest = text[...]
            var result = ""
            while let range = rest.firstRange(of: form) {
                result += rest[..<range.lowerBound] + "•••"
                rest = rest[range.upperBound...]
            }
            text = result + rest
        }
        return text
    }
}
