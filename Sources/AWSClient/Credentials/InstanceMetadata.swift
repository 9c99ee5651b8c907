/// The metadata service of an EC2 instance, version 2.
struct InstanceMetadata: Sendable {
    let settings: ClientSettings
    let transport: CredentialTransport

    private static let timeout = 1.0
    private static let attempts = 3
    private static let path = "/latest/meta-data/iam/security-credentials/"

    private static let again = "run again; check the instance's role if it stays so"

    /// What it has for this machine.
    enum Finding {
        case credentials(LoadedCredentials)
        /// There is none, or it has no role; the reason. `isSilent`: nobody answers.
        case none(String, isSilent: Bool = false)
    }

    static func isDisabled(_ settings: ClientSettings) -> Bool {
        settings.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() == "true"
    }
    private var isDisabled: Bool { Self.isDisabled(settings) }

    /// - Throws: `CredentialError`, `CancellationError`
    func load() async throws -> LoadedCredentials {
        switch try await find() {
        case .credentials(let loaded): return loaded
        case .none(let reason, let isSilent):
            throw CredentialError(
                "instance metadata: \(reason)", hint: "attach a role to the instance, or use other credentials",
                kind: isSilent ? .away : .unsettled)
        }
    }

    /// - Throws: `CredentialError` where the service is there and fails; `CancellationError`
    func find() async throws -> Finding {
        if isDisabled { return .none("switched off by AWS_EC2_METADATA_DISABLED") }
        do {
            return try await ask()
        } catch let error as CredentialError {
            throw error.within("instance metadata")
        }
    }

    private func ask() async throws -> Finding {
        let endpoint = try endpoint()
        let tokenAnswer: HTTPAnswer
        do {
            tokenAnswer = try await askToken(endpoint)
        } catch let failure as TransportFailure {
            // Elsewhere than on EC2, nobody answers there.
            return .none("no answer (\(failure.message))", isSilent: true)
        }
        if tokenAnswer.status == 403 {
            throw CredentialError(
                "request forbidden: IMDS is disabled", hint: "enable it for the instance, or use other credentials")
        }
        if CredentialTransport.isAway(tokenAnswer.status) {
            throw CredentialError("it gave no token (HTTP \(tokenAnswer.status))", hint: Self.again, kind: .away)
        }
        guard tokenAnswer.status == 200 else { return .none("it gave no token (HTTP \(tokenAnswer.status))") }
        guard var token = Self.token(tokenAnswer) else { return .none("its token is malformed") }
        let roles = try await get(Self.path, endpoint, &token)
        if roles.status == 404 { return .none("the instance has no role") }
        guard roles.status == 200, let role = Self.firstLine(roles.body) else {
            throw CredentialError(
                "it doesn't name the role (HTTP \(roles.status))", hint: Self.again, kind: Self.kind(roles.status))
        }
        let answer = try await get(Self.path + PathSegment.encode(role), endpoint, &token)
        guard answer.status == 200 else {
            // A role's credentials may come a little later than the role.
            throw CredentialError(
                "it has no credentials for the role (HTTP \(answer.status))", hint: Self.again,
                kind: answer.status == 404 ? .away : Self.kind(answer.status))
        }
        let document: JSONValue
        do throws(JSONValue.Malformed) {
            document = try JSONValue(decoding: answer.body)
        } catch {
            throw CredentialError(
                "it answered with something else than JSON", hint: "check what answers at that address",
                kind: .unsettled)
        }
        if let code = document["Code"]?.string, code != "Success" {
            throw CredentialError(
                "it has no credentials for the role: \(CredentialDocument.words(code))",
                hint: "check the role's trust policy, which must allow ec2.amazonaws.com", kind: .unsettled)
        }
        return .credentials(try CredentialDocument.credentials(in: document, token: "Token"))
    }

    private static func kind(_ status: Int) -> CredentialError.Kind {
        status == 200 || CredentialTransport.isAway(status) ? .away : .unsettled
    }

    /// The instance's region; nil where nobody answers, or nothing that is one.
    ///
    /// - Throws: `CredentialError` where the service is there and fails; `TransportFailure` where nobody answers;
    ///   `CancellationError`
    func region() async throws -> String? {
        if isDisabled { return nil }
        let endpoint = try endpoint()
        let tokenAnswer = try await askToken(endpoint)
        guard !CredentialTransport.isAway(tokenAnswer.status) else { throw Self.away(tokenAnswer) }
        guard var token = Self.token(tokenAnswer) else { return nil }
        let answer = try await get("/latest/meta-data/placement/region", endpoint, &token)
        guard !CredentialTransport.isAway(answer.status) else { throw Self.away(answer) }
        guard answer.status == 200, let region = Self.firstLine(answer.body) else { return nil }
        return EndpointResolution.isRegion(region) ? region : nil
    }

    private static func away(_ answer: HTTPAnswer) -> CredentialError {
        CredentialError("instance metadata: it answers with HTTP \(answer.status)", hint: again, kind: .away)
    }

    /// Nil where there is none, or something that no header may hold.
    private static func token(_ answer: HTTPAnswer) -> String? {
        let text = String(decoding: answer.body, as: UTF8.self)
        return answer.status == 200 && !text.isEmpty && EnvironmentCredentials.isClean(text) ? text : nil
    }

    private func askToken(_ endpoint: Endpoint) async throws -> HTTPAnswer {
        let request = CredentialRequest(
            "PUT", endpoint, endpoint.pathPrefix + "/latest/api/token",
            headers: [("x-aws-ec2-metadata-token-ttl-seconds", "21600")], timeout: Self.timeout, usesProxy: false)
        var answer = try await transport.send(request)
        var attempt = 1
        // Only answers are worth another attempt: where nobody answers, nobody will.
        while attempt < Self.attempts, CredentialTransport.isAway(answer.status) {
            attempt += 1
            try await Task.sleep(for: .milliseconds(100 * attempt))
            answer = try await transport.send(request)
        }
        return answer
    }

    /// Repeated where the service stumbles or no longer takes the token.
    private func get(_ path: String, _ endpoint: Endpoint, _ token: inout String) async throws -> HTTPAnswer {
        for attempt in 1...Self.attempts {
            let request = CredentialRequest(
                "GET", endpoint, endpoint.pathPrefix + path,
                headers: [("x-aws-ec2-metadata-token", token), ("Accept", "*/*")], timeout: Self.timeout,
                usesProxy: false)
            do {
                let answer = try await transport.send(request)
                guard attempt < Self.attempts, CredentialTransport.isAway(answer.status) || answer.status == 401 else {
                    return answer
                }
                if answer.status == 401 {
                    token = Self.token(try await askToken(endpoint)) ?? token
                }
            } catch let failure as TransportFailure {
                guard attempt < Self.attempts else {
                    throw CredentialError(failure.message, hint: Self.again, kind: .away)
                }
            }
            try await Task.sleep(for: .milliseconds(100 * attempt))
        }
        throw CredentialError("no answer", hint: Self.again, kind: .away)
    }

    private func endpoint() throws(CredentialError) -> Endpoint {
        let given = settings.setting(["AWS_EC2_METADATA_SERVICE_ENDPOINT"], "ec2_metadata_service_endpoint")
        let mode = settings.setting(
            ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"], "ec2_metadata_service_endpoint_mode")
        let standard: String
        switch mode?.value.lowercased() {
        case nil, "ipv4": standard = "http://169.254.169.254"
        case "ipv6": standard = "http://[fd00:ec2::254]"
        default:
            throw CredentialError("\(mode?.place ?? "its mode") is neither IPv4 nor IPv6", hint: "correct it")
        }
        do throws(Endpoint.Malformed) {
            return try Endpoint(given?.value ?? standard)
        } catch {
            throw CredentialError(
                "\(given?.place ?? "its endpoint") isn't a server's URL: \(error.message)", hint: "correct it")
        }
    }

    private static func firstLine(_ body: [UInt8]) -> String? {
        let line = body.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}
