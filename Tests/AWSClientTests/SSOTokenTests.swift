import AWSClient
import AWSSigning
import Foundation
import Synchronization
import Testing

/// Tokens of `aws sso login` that are renewed, in a home of their own.
@Suite(.timeLimit(.minutes(2))) struct SSOTokenTests {
    private static let secret = "s3cr3t-s3cr3t"
    private static let config = """
        [profile p]
        sso_session = dev
        sso_account_id = 123
        sso_role_name = reader
        [sso-session dev]
        sso_region = eu-west-1
        sso_start_url = https://d-1.awsapps.com/start
        """
    private static let credentials =
        #"{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"x","sessionToken":"y","expiration":2051319845123}}"#
    /// printf %s dev | sha1sum
    private static let name = "34c6fceca75e456f25e7e99531e2425c6c1de443.json"

    private static func time(_ offset: Int) -> String {
        Date(timeIntervalSinceNow: Double(offset)).formatted(.iso8601)
    }

    private static func token(lives seconds: Int, registration: Int = 86_400, without: String = "") -> String {
        let members = [
            "startUrl": "https://d-1.awsapps.com/start", "region": "eu-west-1", "accessToken": "old-token",
            "expiresAt": time(seconds), "clientId": "client", "clientSecret": secret,
            "registrationExpiresAt": time(registration), "refreshToken": "refresh-\(secret)", "scopes": "a\"b\\",
        ]
        let data = try? JSONSerialization.data(withJSONObject: members.filter { $0.key != without })
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// A home with a cache; `body` gets the chain and the path of the token.
    private static func withHome(
        _ token: String, _ url: String, _ body: (CredentialChain, String) async throws -> Void
    ) async throws {
        let home = FileManager.default.temporaryDirectory.appending(path: "sluice-sso-\(UUID().uuidString)")
        let cache = home.appending(path: ".aws/sso/cache")
        try FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        try config.write(to: home.appending(path: ".aws/config"), atomically: true, encoding: .utf8)
        try token.write(to: cache.appending(path: name), atomically: true, encoding: .utf8)
        let settings = ClientSettings(
            environment: ["HOME": home.path, "AWS_ENDPOINT_URL_SSO": url, "AWS_ENDPOINT_URL_SSO_OIDC": url],
            profile: "p")
        try await body(
            CredentialChain(settings: settings, transport: .network(.direct, userAgent: "sluice/test")),
            cache.appending(path: name).path)
    }

    private static func server(renewal: ServerAction) async throws -> ScriptedServer {
        try await ScriptedServer { request, _ in
            if request.target == "/token" { return renewal }
            let isGood = ["new-token", "old-token"].contains(request.header("x-amz-sso_bearer_token") ?? "")
            return isGood
                ? .answer(200, body: credentials) : .answer(401, body: #"{"message":"Session token not found"}"#)
        }
    }

    private static let renewal = ServerAction.answer(
        200, body: #"{"accessToken":"new-token","expiresIn":3600,"refreshToken":"next","tokenType":"Bearer"}"#)

    /// The expired one and the one that ends soon.
    @Test(arguments: [-3600, -1, 600])
    func aTokenIsRenewed(lives: Int) async throws {
        let server = try await Self.server(renewal: Self.renewal)
        try await Self.withHome(Self.token(lives: lives), server.url) { chain, path in
            let loaded = try await chain.load()
            #expect(loaded.credentials.accessKeyID == "ASIASSO")
            let request = try #require(server.seen.first { $0.target == "/token" })
            let form = try JSONSerialization.jsonObject(with: Data(request.body.utf8)) as? [String: String]
            #expect(
                form == [
                    "grantType": "refresh_token", "clientId": "client", "clientSecret": Self.secret,
                    "refreshToken": "refresh-\(Self.secret)",
                ])
            #expect(request.header("authorization") == nil)
            #expect(server.seen.last?.header("x-amz-sso_bearer_token") == "new-token")
            // The CLI finds what it would have written itself.
            let data = try Data(contentsOf: URL(filePath: path))
            let stored = try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
            #expect(stored["accessToken"] == "new-token" && stored["refreshToken"] == "next")
            #expect(stored["clientSecret"] == Self.secret && stored["scopes"] == "a\"b\\")
            let end = try #require(stored["expiresAt"].flatMap { try? Date($0, strategy: .iso8601) })
            #expect((3500...3600).contains(end.timeIntervalSinceNow))
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let folder = (path as NSString).deletingLastPathComponent
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [Self.name])
            // It isn't renewed again.
            _ = try await chain.load()
            #expect(server.seen.filter { $0.target == "/token" }.count == 1)
        }
        await server.close()
    }

    /// One that lives is used as it is, and when nothing is there to renew it with, or nobody to do so.
    @Test(arguments: [(3600, ""), (600, "refreshToken"), (600, "registrationExpiresAt"), (600, "away")])
    func aLivingTokenIsUsed(lives: Int, without: String) async throws {
        let server = try await Self.server(renewal: .answer(503))
        try await Self.withHome(Self.token(lives: lives, without: without), server.url) { chain, _ in
            let loaded = try await chain.load()
            #expect(loaded.credentials.accessKeyID == "ASIASSO")
            #expect(server.seen.contains { $0.target == "/token" } == (without == "away"))
            #expect(server.seen.last?.header("x-amz-sso_bearer_token") == "old-token")
        }
        await server.close()
    }

    @Test(arguments: [
        (
            400, #"{"error":"invalid_grant","error_description":"s3cr3t-s3cr3t"}"#, CredentialError.Kind.refusal,
            "invalid_grant"
        ),
        (401, #"{"__type":"InvalidClientException"}"#, .refusal, "InvalidClientException"),
        (400, #"{"error":"slow_down"}"#, .away, "slow_down"), (503, "", .away, "503"), (429, "", .away, "429"),
        (200, "<html>", .unsettled, "something else than a token"),
    ])
    func aRenewalThatFails(status: Int, body: String, kind: CredentialError.Kind, words: String) async throws {
        let server = try await Self.server(renewal: .answer(status, body: body))
        try await Self.withHome(Self.token(lives: -10), server.url) { chain, _ in
            let error = await #expect(throws: CredentialError.self) { _ = try await chain.load() }
            #expect(error?.kind == kind, "\(error?.message ?? "")")
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains(Self.secret) == false)
            #expect(kind != .refusal || error?.hint == "run `aws sso login --profile p`")
        }
        await server.close()
    }

    /// Without what it could be renewed with, it has just expired.
    @Test(arguments: ["refreshToken", "clientId", "clientSecret", "registrationExpiresAt", "old registration"])
    func whatCannotBeRenewed(without: String) async throws {
        let server = try await Self.server(renewal: Self.renewal)
        let token = Self.token(lives: -10, registration: without == "old registration" ? -10 : 86_400, without: without)
        try await Self.withHome(token, server.url) { chain, _ in
            let error = await #expect(throws: CredentialError.self) { _ = try await chain.load() }
            #expect(error?.message == "profile 'p': the SSO token has expired")
            #expect(server.seen.isEmpty)
        }
        await server.close()
    }

    /// Another process was quicker: its token is used, and ours is refused.
    @Test func theRaceOfTwo() async throws {
        let path = Mutex("")
        let server = try await ScriptedServer { request, _ in
            guard request.target == "/token" else { return .answer(200, body: Self.credentials) }
            let newer = Self.token(lives: 3600).replacing("old-token", with: "their-token")
            try? newer.write(toFile: path.withLock { $0 }, atomically: true, encoding: .utf8)
            return .answer(400, body: #"{"error":"invalid_grant"}"#)
        }
        try await Self.withHome(Self.token(lives: -10), server.url) { chain, file in
            path.withLock { $0 = file }
            _ = try await chain.load()
            #expect(server.seen.last?.header("x-amz-sso_bearer_token") == "their-token")
        }
        await server.close()
    }

    /// A token that was taken back before its time is renewed as well.
    @Test func aTokenThatIsRefused() async throws {
        let server = try await Self.server(renewal: Self.renewal)
        let token = Self.token(lives: 3600).replacing("old-token", with: "taken-back")
        try await Self.withHome(token, server.url) { chain, _ in
            let loaded = try await chain.load()
            #expect(loaded.credentials.accessKeyID == "ASIASSO")
            #expect(server.seen.map(\.target).filter { $0 == "/token" }.count == 1)
        }
        await server.close()
    }

    /// Where the cache can't be written, the renewed token serves this process.
    @Test func aCacheThatCannotBeWritten() async throws {
        let server = try await Self.server(renewal: Self.renewal)
        let files = FileAccess.folder([
            "/h/.aws/config": Self.config, "/h/.aws/sso/cache/\(Self.name)": Self.token(lives: -10),
        ])
        let settings = ClientSettings(
            environment: ["HOME": "/h", "AWS_ENDPOINT_URL_SSO": server.url, "AWS_ENDPOINT_URL_SSO_OIDC": server.url],
            profile: "p", files: files)
        let warnings = Mutex<[String]>([])
        let chain = CredentialChain(
            settings: settings, transport: .network(.direct, userAgent: "sluice/test"),
            warn: { text in warnings.withLock { $0.append(text) } })
        for _ in 0..<3 { #expect(try await chain.load().credentials.accessKeyID == "ASIASSO") }
        #expect(server.seen.filter { $0.target == "/token" }.count == 1)
        #expect(warnings.withLock { $0.count } == 1)
        #expect(warnings.withLock { $0[0] }.contains("can't be written"))
        await server.close()
    }
}
