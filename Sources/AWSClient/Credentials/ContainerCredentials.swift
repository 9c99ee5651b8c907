/// The service that ECS and EKS put beside a container.
struct ContainerCredentials: Sendable {
    let settings: ClientSettings
    let transport: CredentialTransport

    private static let timeout = 2.0
    private static let attempts = 3
    private static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"

    var isConfigured: Bool { settings.variable(Self.relative) != nil || settings.variable(Self.full) != nil }

    /// - Throws: `CredentialError`, `CancellationError`
    func load() async throws -> LoadedCredentials {
        do {
            return try await ask()
        } catch let error as CredentialError {
            throw error.within("container credentials")
        }
    }

    private func ask() async throws -> LoadedCredentials {
        let (endpoint, target) = try address()
        var request = CredentialRequest(
            "GET", endpoint, target, headers: [("Accept", "application/json")], timeout: Self.timeout, usesProxy: false)
        let token = try token()
        if let token { request.headers.append(("Authorization", token)) }
        let answer: HTTPAnswer
        do {
            answer = try await transport.send(request, attempts: Self.attempts)
        } catch let failure as TransportFailure {
            throw CredentialError(
                "\(endpoint.authority) can't be asked: \(failure.message)",
                hint: "check that the task or pod has a role, and the variables AWS_CONTAINER_CREDENTIALS_…",
                kind: failure.credentialKind)
        }
        let document = try? JSONValue(decoding: answer.body)
        guard answer.status == 200 else {
            let message = (document?["message"] ?? document?["Message"])?.string
            let words = message.map { ": " + CredentialDocument.words($0, without: Self.parts(of: token)) } ?? ""
            throw CredentialError(
                "\(endpoint.authority) refused: \(answer.status)\(words)",
                hint: "check that the task or pod has a role, and that its token is right",
                kind: CredentialTransport.isAway(answer.status) ? .away : .refusal)
        }
        guard let document else {
            throw CredentialError(
                "\(endpoint.authority) answered with something else than JSON",
                hint: "check the variables AWS_CONTAINER_CREDENTIALS_…", kind: .unsettled)
        }
        return try CredentialDocument.credentials(in: document, token: "Token")
    }

    private func address() throws(CredentialError) -> (Endpoint, target: String) {
        if let path = settings.variable(Self.relative) {
            return try Self.split("http://169.254.170.2\(path.hasPrefix("/") ? "" : "/")\(path)", place: Self.relative)
        }
        let (endpoint, target) = try Self.split(settings.variable(Self.full) ?? "", place: Self.full)
        let isNear = HostRules.isLoopback(endpoint.host) || HostRules.isContainerService(endpoint.host)
        guard endpoint.scheme == "https" || isNear else {
            throw CredentialError(
                "\(Self.full) names the host \(endpoint.host) over plain HTTP; only this machine and the addresses of "
                    + "ECS and EKS may be asked without TLS",
                hint: "use https://, or correct the variable")
        }
        return (endpoint, target)
    }

    /// Host and port, and what stands behind them.
    private static func split(_ url: String, place: String) throws(CredentialError) -> (Endpoint, target: String) {
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let end = url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
        do throws(Endpoint.Malformed) {
            let endpoint = try Endpoint(String(url[..<end]))
            let target = url[end...].prefix { $0 != "#" }
            guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Endpoint.Malformed(message: "it holds a character that must be percent-encoded")
            }
            return (endpoint, target.hasPrefix("/") ? String(target) : "/\(target)")
        } catch {
            throw CredentialError("\(place) isn't a URL: \(error.message)", hint: "correct the variable")
        }
    }

    /// What of a token an answer may repeat: all of it, or what stands behind `Bearer`.
    private static func parts(of token: String?) -> [String?] {
        [token] + (token ?? "").split(separator: " ").dropFirst().map { String($0) }
    }

    /// The file comes before the variable, and is read again each time.
    private func token() throws(CredentialError) -> String? {
        if let path = settings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            return try WebIdentityToken.read(settings.expand(path), settings.files, allowsBlanks: true)
        }
        guard let token = settings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") else { return nil }
        // "Bearer …" may be a part of it.
        guard token.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw CredentialError(
                "AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break or another character that no header may hold",
                hint: "set it again, without what came along when it was copied")
        }
        return token
    }
}
