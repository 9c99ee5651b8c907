import AWSClient
import AWSSigning
import Foundation
import Synchronization
import Testing

private let sts = """
    <AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
    <SessionToken>role-token</SessionToken><Expiration>2035-01-02T03:04:05Z</Expiration>
    </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
    """
private let documented = #"""
    {"Code":"Success","AccessKeyId":"ASIAMETA","SecretAccessKey":"s","Token":"t","Expiration":"2035-01-02T03:04:05Z"}
    """#

private func load(_ environment: [String: String], files: FileAccess = .folder([:])) async throws -> LoadedCredentials {
    try await chain(environment, files: files).load()
}

private func chain(_ environment: [String: String], files: FileAccess) -> CredentialChain {
    let all = ["HOME": "/h", "AWS_REGION": "eu-west-1"].merging(environment) { $1 }
    return CredentialChain(
        settings: ClientSettings(environment: all, files: files),
        transport: .network(.direct, userAgent: "sluice/test"))
}

private func failure(_ environment: [String: String], files: FileAccess = .folder([:])) async -> CredentialError? {
    await #expect(throws: CredentialError.self) { _ = try await load(environment, files: files) }
}

/// What the failures of sources mean, and what their files may look like.
@Suite(.timeLimit(.minutes(2))) struct CredentialSourceTests {
    private static let pod = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/pod"]

    @Test(arguments: [
        (503, "", CredentialError.Kind.away), (429, "", .away), (408, "", .away), (500, "InternalFailure", .away),
        (400, "Throttling", .away), (400, "IDPCommunicationError", .away), (403, "AccessDenied", .refusal),
        (400, "InvalidIdentityToken", .refusal), (400, "ExpiredTokenException", .unsettled), (403, "", .unsettled),
    ])
    func answersOfSTS(status: Int, code: String, kind: CredentialError.Kind) async throws {
        let server = try await ScriptedServer { _, _ in
            .answer(status, body: code.isEmpty ? "<html>" : "<ErrorResponse><Error><Code>\(code)</Code></Error>")
        }
        let environment = Self.pod.merging(["AWS_ENDPOINT_URL_STS": server.url]) { $1 }
        let error = await failure(environment, files: .folder(["/token": "t"]))
        #expect(error?.kind == kind, "\(error?.message ?? "")")
        await server.close()
    }

    @Test func nobodyThere() async throws {
        let files = FileAccess.folder(["/token": "t"])
        let refused = Self.pod.merging(["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"]) { $1 }
        #expect(await failure(refused, files: files)?.kind == .away)
        #expect(await failure(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"])?.kind == .away)
        // Elsewhere than on an instance there is no metadata service: nothing is away, there are just no credentials.
        let nowhere = await failure(["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"])
        #expect(nowhere?.kind == .unsettled)
        // A profile that relies on it is another matter.
        let config = "[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata"
        let relied = await failure(
            ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"], files: .folder(["/h/.aws/config": config]))
        #expect(relied?.kind == .away)
    }

    @Test(arguments: [
        (503, CredentialError.Kind.away), (429, .away), (404, .refusal), (403, .refusal), (200, .unsettled),
    ])
    func answersOfContainers(status: Int, kind: CredentialError.Kind) async throws {
        let server = try await ScriptedServer { _, _ in .answer(status, body: "no JSON") }
        #expect(await failure(["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url])?.kind == kind)
        await server.close()
    }

    /// All that was tried is named, each with its reason, in order; a service that is away is waited for.
    @Test(arguments: [
        (403, 0, CredentialError.Kind.unsettled, "request forbidden: IMDS is disabled"),
        (500, 0, .away, "it gave no token (HTTP 500)"), (404, 0, .unsettled, "it gave no token (HTTP 404)"),
        (200, 500, .away, "it doesn't name the role (HTTP 500)"), (200, 404, .unsettled, "the instance has no role"),
        (200, 403, .unsettled, "it doesn't name the role (HTTP 403)"),
    ])
    func noCredentialsOnAnInstance(
        token: Int, role: Int, kind: CredentialError.Kind, words: String
    ) async throws {
        let server = try await ScriptedServer { request, _ in
            request.method == "PUT" ? .answer(token, body: "t") : .answer(role, body: "x")
        }
        let error = await failure(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url])
        #expect(error?.kind == kind)
        let message = error?.message ?? ""
        let parts = [
            "there are no AWS credentials; environment: ", "; profile 'default': ", "; web identity: ", "; container: ",
            "; instance metadata: \(words)",
        ]
        var rest = message[...]
        for part in parts {
            let range = rest.firstRange(of: part)
            #expect(range != nil, "'\(part)' is missing, or not in order: \(message)")
            if let range { rest = rest[range.upperBound...] }
        }
        await server.close()
    }

    @Test(arguments: ["tok.en", "tok.en\n", "tok.en\r\n", "\n\n tok.en\t \r\n\n", "\u{FEFF}tok.en\n"])
    func tokensWithBlanksAtTheirEnds(content: String) async throws {
        let server = try await ScriptedServer { request, _ in
            .answer(200, body: request.method == "POST" ? sts : documented)
        }
        let files = FileAccess.folder(["/token": content])
        let pod = Self.pod.merging(["AWS_ENDPOINT_URL_STS": server.url]) { $1 }
        #expect(try await load(pod, files: files).credentials.accessKeyID == "ASIAROLE")
        #expect(server.seen[0].body.contains("WebIdentityToken=tok.en"))
        #expect(!server.seen[0].body.contains("tok.en%"))
        let uri = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url]
        let fromFile = uri.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token"]) { $1 }
        _ = try await load(fromFile, files: files)
        #expect(server.seen[1].header("authorization") == "tok.en")
        _ = try await load(uri.merging(["AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x\n"]) { $1 })
        #expect(server.seen[2].header("authorization") == "Bearer x")
        await server.close()
    }

    // MARK: - Files that change

    @Test func filesAreReadAgain() async throws {
        let text = Mutex("[default]\naws_access_key_id = OLD\naws_secret_access_key = s\n")
        let files = FileAccess { path throws(FileAccess.Failure) in
            guard path == "/h/.aws/credentials" else { throw .missing }
            return Array(text.withLock { $0 }.utf8)
        }
        let chain = chain(["AWS_EC2_METADATA_DISABLED": "true"], files: files)
        #expect(try await chain.load().credentials.accessKeyID == "OLD")
        // While it is written anew, no later source stands in for it, and it may come back.
        for content in ["", "[default]\n", "[default]\naws_access_key_id = NEW\n", "[default\n"] {
            text.withLock { $0 = content }
            let error = await #expect(throws: CredentialError.self) { _ = try await chain.load() }
            #expect(error?.kind == .unsettled, "\(content): \(error?.message ?? "")")
        }
        text.withLock { $0 = "[default]\naws_access_key_id = NEW\naws_secret_access_key = s\n" }
        #expect(try await chain.load().credentials.accessKeyID == "NEW")
    }

    @Test func loginSessions() async {
        let error = await failure(
            ["AWS_PROFILE": "p"],
            files: .folder(["/h/.aws/config": "[profile p]\nlogin_session = arn:aws:iam::1:user/me\nregion = eu-west-1"]
            ))
        #expect(error?.message.contains("profile 'p': its login_session is a sign-in of `aws login`") == true)
        #expect(
            error?.hint?.contains("credential_process = aws configure export-credentials --profile p --format process")
                == true)
    }

    // MARK: - The instance's region

    @Test func aRegionThatIsAwayForSeconds() async throws {
        let server = try await ScriptedServer { request, number in
            if number < 4 { return .answer(503) }
            return .answer(200, body: request.method == "PUT" ? "t" : "eu-west-3")
        }
        let settings = ClientSettings(
            environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url], files: .folder([:]))
        let transport = CredentialTransport.network(.direct, userAgent: "sluice/test")
        let patient = CredentialPatience(outage: 0, pause: 0.01)
        #expect(try await InstanceRegion.find(settings, transport: transport, patience: patient) == "eu-west-3")
        await server.close()
        let broken = try await ScriptedServer { _, _ in .answer(503) }
        let other = ClientSettings(
            environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT": broken.url], files: .folder([:]))
        let error = await #expect(throws: CredentialError.self) {
            _ = try await InstanceRegion.find(other, transport: transport, patience: .none)
        }
        #expect(error?.message == "instance metadata: it answers with HTTP 503")
        await broken.close()
    }
}
