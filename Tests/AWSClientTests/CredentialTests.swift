import AWSClient
import AWSSigning
import Foundation
import Synchronization
import Testing

private let stsAnswer = """
    <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role&amp;secret</SecretAccessKey>
    <SessionToken>role-token</SessionToken><Expiration>2035-01-02T03:04:05Z</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>
    """
private let metadata = #"""
    {"Code":"Success","AccessKeyId":"ASIAMETA","SecretAccessKey":"meta-secret","Token":"meta-token",
     "Expiration":"2035-01-02T03:04:05Z"}
    """#
private let oneCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIBdTCCARugAwIBAgIUXv6P+2g84obYNsedsFuDSRGbh1YwCgYIKoZIzj0EAwIw
    DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjgxOTU2MDlaGA8yMTI2MTEwNDE5NTYw
    OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABH2/
    nmA3g1xuGhO9s1repp37APFheopSfBuZdWe/oNlqgZHuqi1KpOTkGugwZRVlhlop
    Y81l/yUP08ObUtmZQMajUzBRMB0GA1UdDgQWBBRZmxzslUesEuqSdsgr6t6iYMYb
    vzAfBgNVHSMEGDAWgBRZmxzslUesEuqSdsgr6t6iYMYbvzAPBgNVHRMBAf8EBTAD
    AQH/MAoGCCqGSM49BAMCA0gAMEUCIAsj7ZbZSWYy1/cvooqKXiw8Z9CGD43kgRCQ
    6p4WdW7vAiEA2heU6EUUUYD11gyY8KwhXlkAuCer8O+VeZPbReayjdQ=
    -----END CERTIFICATE-----

    """
/// Stands in keys, tokens and outputs; no message may hold it.
private let secret = "s3cr3t-s3cr3t"

private func chain(
    _ environment: [String: String], config: String = "", credentials: String = "", profile: String? = nil,
    files: [String: String] = [:], timeout: Double = 5
) -> CredentialChain {
    var environment = environment
    environment["HOME"] = "/h"
    environment["PATH"] = "/usr/bin:/bin"
    if environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == nil, environment["AWS_EC2_METADATA_DISABLED"] == nil {
        environment["AWS_EC2_METADATA_DISABLED"] = "true"
    }
    if environment["AWS_REGION"] == nil { environment["AWS_REGION"] = "eu-central-1" }
    var all: [String: String?] = files
    all["/h/.aws/config"] = config
    all["/h/.aws/credentials"] = credentials
    let settings = ClientSettings(environment: environment, profile: profile, files: .folder(all))
    return CredentialChain(
        settings: settings, transport: .network(.direct, userAgent: "sluice/test"), processTimeout: timeout)
}

/// The one message for a person, checked to hold no secret.
private func failure(of chain: CredentialChain, sourceLocation: SourceLocation = #_sourceLocation) async throws
    -> String
{
    let error = await #expect(throws: CredentialError.self, sourceLocation: sourceLocation) {
        _ = try await chain.load()
    }
    let text = "\(error?.message ?? "")\n\(error?.hint ?? "")"
    #expect(!text.contains(secret), "\(text)", sourceLocation: sourceLocation)
    #expect(error?.hint != nil, "\(text)", sourceLocation: sourceLocation)
    #expect(!(error?.message.contains("\n") ?? true), "\(text)", sourceLocation: sourceLocation)
    return text
}

@Suite(.timeLimit(.minutes(2))) struct CredentialTests {
    // MARK: - Over HTTP

    @Test func aChainOfRoles() async throws {
        let server = try await ScriptedServer { _, number in
            number == 0 ? .answer(503) : .answer(200, body: stsAnswer)
        }
        let config = """
            [profile outer]
            role_arn = arn:aws:iam::1:role/outer
            source_profile = inner
            external_id = id+1
            duration_seconds = 900
            [profile inner]
            role_arn = arn:aws:iam::1:role/inner
            source_profile = base
            """
        let base = "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = \(secret)"
        let loaded = try await chain(
            ["AWS_PROFILE": "outer", "AWS_ENDPOINT_URL_STS": server.url], config: config, credentials: base
        ).load()
        #expect(loaded.credentials.accessKeyID == "ASIAROLE" && loaded.credentials.secretAccessKey == "role&secret")
        #expect(loaded.expiration == 2_051_319_845)
        let seen = server.seen
        #expect(seen.count == 3)
        #expect(seen.allSatisfy { $0.target == "/" && $0.header("x-amz-date") != nil })
        let keys = seen.map { $0.header("authorization")?.contains("Credential=AKIDBASE/") ?? false }
        #expect(keys == [true, true, false])
        #expect(seen[2].header("x-amz-security-token") == "role-token")
        #expect(seen[2].body.contains("ExternalId=id%2B1") && seen[2].body.contains("DurationSeconds=900"))
        #expect(seen[1].body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Finner"))
        await server.close()
    }

    @Test func webIdentityIsUnsigned() async throws {
        let answer = stsAnswer.replacing("AssumeRoleResponse", with: "AssumeRoleWithWebIdentityResponse")
        let server = try await ScriptedServer { _, _ in .answer(200, body: answer) }
        let environment = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/pod",
            "AWS_ENDPOINT_URL": server.url, "AWS_ROLE_SESSION_NAME": "nightly",
        ]
        let loaded = try await chain(environment, files: ["/token": "ey.J0.x"]).load()
        #expect(loaded.credentials.sessionToken == "role-token")
        #expect(server.seen[0].header("authorization") == nil)
        #expect(server.seen[0].body.contains("WebIdentityToken=ey.J0.x&") || server.seen[0].body.hasSuffix("ey.J0.x"))
        #expect(server.seen[0].body.contains("RoleSessionName=nightly"))
        await server.close()
    }

    @Test func stsRefusals() async throws {
        let server = try await ScriptedServer { _, _ in
            .answer(
                403,
                body:
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized: \(secret)</Message></Error>"
            )
        }
        let text = try await failure(
            of: chain(
                ["AWS_PROFILE": "r", "AWS_ENDPOINT_URL_STS": server.url],
                config: "[profile r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = b",
                credentials: "[b]\naws_access_key_id = A\naws_secret_access_key = \(secret)"))
        #expect(text.contains("profile 'r': STS refused AssumeRole of arn:aws:iam::1:role/r: 403 AccessDenied"))
        #expect(text.contains("trust policy"))
        #expect(server.seen.count == 1)
        await server.close()
    }

    @Test func containers() async throws {
        let server = try await ScriptedServer { _, number in
            number == 0 ? .answer(500) : .answer(200, body: metadata)
        }
        let environment = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(server.url)/v1/credentials?x=1",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer old", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
        ]
        let loaded = try await chain(environment, files: ["/token": "Bearer from-file"]).load()
        #expect(loaded.credentials.accessKeyID == "ASIAMETA" && loaded.credentials.sessionToken == "meta-token")
        #expect(server.seen.count == 2 && server.seen[1].target == "/v1/credentials?x=1")
        #expect(server.seen[1].header("authorization") == "Bearer from-file")
        await server.close()
    }

    @Test func instanceMetadata() async throws {
        let server = try await ScriptedServer { request, number in
            switch (request.method, request.target) {
            case ("PUT", "/latest/api/token"): .answer(200, body: "token-\(number)")
            case (_, "/latest/meta-data/iam/security-credentials/"):
                // The first token has just expired.
                request.header("x-aws-ec2-metadata-token") == "token-0" ? .answer(401) : .answer(200, body: "a role")
            case (_, "/latest/meta-data/iam/security-credentials/a%20role"): .answer(200, body: metadata)
            default: .answer(404)
            }
        }
        let loaded = try await chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url]).load()
        #expect(loaded.credentials.accessKeyID == "ASIAMETA")
        #expect(server.seen[0].header("x-aws-ec2-metadata-token-ttl-seconds") == "21600")
        await server.close()
    }

    /// The region where the instance is, asked for last.
    @Test func theInstancesRegion() async throws {
        let server = try await ScriptedServer { request, number in
            switch (request.method, request.target) {
            case ("PUT", "/latest/api/token"): .answer(number == 0 ? 500 : 200, body: "token-\(number)")
            case (_, "/latest/meta-data/placement/region"):
                request.header("x-aws-ec2-metadata-token") == "token-1" ? .answer(401) : .answer(200, body: "eu-west-3")
            default: .answer(404)
            }
        }
        let here = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url]
        func resolve(_ environment: [String: String], url: String? = nil) async throws -> EndpointResolution {
            let settings = ClientSettings(
                environment: environment.merging(here) { $1 }, files: .folder(["/h/.aws/config": "[default]\nregion=r"])
            )
            // As a program does: on a thread that may block.
            return try await Task.detached {
                try EndpointResolution(
                    .pinpoint, region: nil, endpointURL: url, settings: settings,
                    instanceRegion: { settings throws(CredentialError) in
                        try InstanceRegion.find(settings, userAgent: "sluice/test")
                    })
            }.value
        }
        let found = try await resolve([:])
        #expect(found.region == "eu-west-3" && found.endpoint.host == "pinpoint.eu-west-3.amazonaws.com")
        #expect(found.notice?.contains("eu-west-3") == true)
        let asked = server.seen.count
        #expect(asked == 5)
        #expect(try await resolve(["AWS_DEFAULT_REGION": "eu-west-1"]).region == "eu-west-1")
        #expect(try await resolve(["HOME": "/h"]).region == "r")
        #expect(try await resolve([:], url: "http://127.0.0.1:1").region == "us-east-1")
        await #expect(throws: EndpointResolution.Failure.missingRegion) {
            _ = try await resolve(["AWS_EC2_METADATA_DISABLED": "true"])
        }
        #expect(server.seen.count == asked)
        await server.close()
        await #expect(throws: EndpointResolution.Failure.missingRegion) { _ = try await resolve([:]) }
    }

    @Test(arguments: [(404, "eu-west-1"), (200, ""), (200, "<html>"), (200, "a.b"), (403, "")])
    func noRegionOfAnInstance(status: Int, body: String) async throws {
        let server = try await ScriptedServer { request, _ in
            request.method == "PUT" ? .answer(200, body: "t") : .answer(status, body: body)
        }
        let settings = ClientSettings(
            environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url], files: .folder([:]))
        let transport = CredentialTransport.network(.direct, userAgent: "sluice/test")
        #expect(try await InstanceRegion.find(settings, transport: transport) == nil)
        #expect(server.seen.count == 2)
        await server.close()
    }

    @Test(arguments: [
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"], "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither"),
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT": "nonsense"], "AWS_EC2_METADATA_SERVICE_ENDPOINT isn't a server's URL"),
    ])
    func badMetadataSettings(environment: [String: String], words: String) async throws {
        let all = environment.merging(["AWS_EC2_METADATA_DISABLED": "false"]) { $1 }
        let text = try await failure(of: chain(all))
        #expect(text.contains("instance metadata: \(words)"), "\(text)")
    }

    @Test(arguments: [true, false])
    func sso(hasSession: Bool) async throws {
        let server = try await ScriptedServer { _, _ in
            .answer(
                200,
                body:
                    #"{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"x","sessionToken":"y","expiration":2051319845123}}"#
            )
        }
        let own = "sso_account_id = 123\nsso_role_name = Read Only"
        let shared = "sso_region = eu-west-1\nsso_start_url = https://d-1.awsapps.com/start"
        let config =
            hasSession
            ? "[profile p]\nsso_session = dev\n\(own)\n[sso-session dev]\n\(shared)" : "[profile p]\n\(own)\n\(shared)"
        // printf %s dev | sha1sum; printf %s https://d-1.awsapps.com/start | sha1sum
        let name =
            hasSession ? "34c6fceca75e456f25e7e99531e2425c6c1de443" : "0c54b6c27e90660baa89eaad85ac1d5dae26cb7d"
        let cache = #"{"accessToken":"sso-token","expiresAt":"2035-01-02T03:04:05UTC"}"#
        let loaded = try await chain(
            ["AWS_ENDPOINT_URL_SSO": server.url], config: config, profile: "p",
            files: ["/h/.aws/sso/cache/\(name).json": cache]
        ).load()
        #expect(loaded.credentials.accessKeyID == "ASIASSO" && loaded.expiration == 2_051_319_845)
        #expect(server.seen[0].header("x-amz-sso_bearer_token") == "sso-token")
        #expect(server.seen[0].target == "/federation/credentials?role_name=Read%20Only&account_id=123")
        await server.close()
    }

    // MARK: - The order

    @Test func anExplicitProfileWinsOverTheEnvironment() async throws {
        let environment = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "x"]
        let file = "[p]\naws_access_key_id = FILE\naws_secret_access_key = y"
        #expect(try await chain(environment, credentials: file).load().credentials.accessKeyID == "ENV")
        let named = environment.merging(["AWS_PROFILE": "p"]) { $1 }
        #expect(try await chain(named, credentials: file).load().credentials.accessKeyID == "ENV")
        let explicit = try await chain(environment, credentials: file, profile: "p").load()
        #expect(explicit.credentials.accessKeyID == "FILE")
    }

    @Test func processes() async throws {
        let command = #"printf '%s' '{"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"x","SessionToken":"t"}'"#
        let loaded = try await chain([:], config: "[profile p]\ncredential_process = \(command)", profile: "p").load()
        #expect(loaded.credentials.accessKeyID == "PROC" && loaded.expiration == nil)
    }

    // MARK: - Bad input

    @Test(arguments: [
        (
            "role_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = p", "in a circle: p → b → p",
            ""
        ),
        (
            "role_arn = r\nsource_profile = b\nmfa_serial = arn:mfa\n[profile b]\naws_access_key_id = A\n"
                + "aws_secret_access_key = \(secret)", "profile 'p': mfa_serial", "export-credentials --profile p"
        ),
        ("role_arn = r\nsource_profile = nobody", "source_profile 'nobody' doesn't exist", ""),
        ("role_arn = r\nsource_profile = b\ncredential_source = Environment", "exclude each other", ""),
        ("role_arn = r\ncredential_source = Moon", "credential_source is unknown", "Ec2InstanceMetadata"),
        ("role_arn = r\ncredential_source = Environment", "neither AWS_ACCESS_KEY_ID", "set both"),
        ("role_arn = r\ncredential_source = EcsContainer", "no AWS_CONTAINER_CREDENTIALS", ""),
        ("role_arn = r\nsource_profile = p\nduration_seconds = soon", "duration_seconds isn't a number", "900"),
        ("aws_access_key_id = A", "aws_secret_access_key is missing", ""),
        ("aws_access_key_id = A\naws_secret_access_key = \(secret) \(secret)", "a line break", ""),
        ("sso_session = dev\nsso_account_id = 1\nsso_role_name = x", "no [sso-session dev]", "aws configure sso"),
        (
            "sso_start_url = u\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = x",
            "profile 'p': nobody has logged in", "aws sso login --profile p"
        ),
        ("credential_process = echo \(secret); echo \(secret) >&2", "something else than JSON", ""),
        ("credential_process = echo '{\"Version\":2,\"AccessKeyId\":\"\(secret)\"}'", "isn't 1", ""),
        ("credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"\(secret)\"}'", "SecretAccessKey is missing", ""),
        ("credential_process = echo \(secret) >&2; exit 3", "exit status 3", "by hand"),
        ("credential_process = yes \(secret)", "more than any credentials", ""),
        ("credential_process = kill -9 $$", "ended by signal 9", ""),
        (
            "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\(secret)\","
                + "\"Expiration\":1577934245}'", "Expiration isn't text", ""
        ),
        (
            "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\(secret)\","
                + "\"Expiration\":\"soon\"}'", "Expiration isn't a time", "2025-01-02T03:04:05Z"
        ),
        (
            "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\(secret)\","
                + "\"SessionToken\":[\"\(secret)\"]}'", "SessionToken isn't text", ""
        ),
        ("role_arn = r", "role_arn needs source_profile or credential_source", "may assume the role"),
        (
            "web_identity_token_file = /token\nrole_arn = r", "the token file /token holds a line break",
            "the token alone"
        ),
        ("web_identity_token_file = /none\nrole_arn = r", "/none doesn't exist", ""),
    ])
    func badProfiles(properties: String, words: String, hint: String) async throws {
        let text = try await failure(
            of: chain(
                [:], config: "[profile p]\n\(properties)", profile: "p", files: ["/token": "\(secret)\n\(secret)"]))
        #expect(text.contains(words), "\(text)")
        #expect(hint.isEmpty || text.contains(hint), "\(text)")
        #expect(text.contains("profile '"), "\(text)")
    }

    @Test func anExpiredSSOToken() async throws {
        let cache = #"{"accessToken":"\#(secret)","expiresAt":"2020-01-02T03:04:05Z"}"#
        let text = try await failure(
            of: chain(
                [:],
                config: "[profile p]\nsso_start_url = u\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = x",
                profile: "p", files: ["/h/.aws/sso/cache/\(CacheName.sha1("u")).json": cache]))
        #expect(text.contains("profile 'p': the SSO token has expired"))
        #expect(text.contains("aws sso login --profile p"))
    }

    /// It is ended with all that it started, also where it has closed its output, or where a child holds it open.
    @Test(arguments: ["(sleep $; true); true", "exec >&-; (sleep $; true); true", "sleep $ & exit 0"])
    func aProcessThatHangs(command: String) async throws {
        // Much longer than the test may take.
        let marker = "3\(Int.random(in: 100_000...999_999)).5"
        let text = try await failure(
            of: chain(
                [:],
                config: "[profile p]\ncredential_process = echo \(secret); \(command.replacing("$", with: marker))",
                profile: "p", timeout: 0.5))
        #expect(text.contains("gave no answer"))
        try await Task.sleep(for: .milliseconds(100))
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }
        let lines = processes.compactMap { try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8) }
        #expect(!lines.contains { $0.hasPrefix("sleep") && $0.contains(marker) })
    }

    @Test(arguments: [
        ("http://metadata.example/creds", "the host metadata.example over plain HTTP"),
        ("http://127.0.0.1.example/creds", "127.0.0.1.example over plain HTTP"),
        ("http://169.254.170.3/creds", "169.254.170.3 over plain HTTP"),
        ("http://[fd00:ec2::24]/creds", "over plain HTTP"), ("ftp://127.0.0.1/", "isn't a URL"),
        ("nonsense", "isn't a URL"), ("http://user:\(secret)@127.0.0.1/", "must not hold a user"),
    ])
    func foreignMetadata(url: String, words: String) async throws {
        let text = try await failure(of: chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]))
        #expect(text.contains("container credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI"), "\(text)")
        #expect(text.contains(words), "\(text)")
    }

    @Test(arguments: [
        (["AWS_CONTAINER_AUTHORIZATION_TOKEN": "\(secret)\r\nX-Evil: 1"], "line break"),
        (["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token"], "the token file /token holds a line break"),
        (["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/two"], "the token file /two holds a line break"),
        (["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/empty"], "the token file /empty is empty"),
        (["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/blank"], "the token file /blank is empty"),
        (["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/none"], "the token file /none doesn't exist"),
    ])
    func containerTokensWithLineBreaks(environment: [String: String], words: String) async throws {
        let server = try await ScriptedServer { _, _ in .answer(200, body: metadata) }
        let all = environment.merging(["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url]) { $1 }
        let files = [
            "/token": "\(secret)\n\(secret)", "/two": "\(secret)\r\nX-Evil: \(secret)", "/empty": "", "/blank": "  ",
        ]
        let text = try await failure(of: chain(all, files: files))
        #expect(text.contains(words), "\(text)")
        #expect(server.seen.isEmpty)
        await server.close()
    }

    @Test func nothingAnywhere() async throws {
        let text = try await failure(of: chain([:]))
        for words in [
            "environment: ", "profile 'default': ", "web identity: ", "container: ", "AWS_EC2_METADATA_DISABLED",
        ] {
            #expect(text.contains(words), "\(text)")
        }
        #expect(try await failure(of: chain(["AWS_PROFILE": "none"])).contains("profile 'none': it stands neither"))
        #expect(try await failure(of: chain([:], config: "[x\n")).contains("/h/.aws/config:1: "))
    }

    // MARK: - Connections

    @Test(arguments: [
        ("https://sts.eu-west-1.amazonaws.com", ["HTTPS_PROXY": "http://u:p%40x@proxy:3128"], "proxy:3128"),
        (
            "https://sts.eu-west-1.amazonaws.com", ["https_proxy": "proxy:3128", "HTTPS_PROXY": "http://no"],
            "proxy:3128"
        ),
        ("https://sts.eu-west-1.amazonaws.com", ["HTTP_PROXY": "http://proxy"], ""),
        ("http://x.example", ["HTTP_PROXY": "http://proxy"], "proxy:80"),
        ("https://a.b.example", ["HTTPS_PROXY": "http://proxy", "NO_PROXY": "c,.b.example"], ""),
        ("https://ab.example", ["HTTPS_PROXY": "http://proxy", "NO_PROXY": "b.example"], "proxy:80"),
        ("https://a.example:8443", ["HTTPS_PROXY": "http://proxy", "NO_PROXY": "a.example:8443"], ""),
        ("https://a.example", ["HTTPS_PROXY": "http://proxy", "NO_PROXY": "*"], ""),
        ("http://127.0.0.1:4100", ["HTTP_PROXY": "http://proxy"], ""),
    ])
    func proxies(url: String, environment: [String: String], expected: String) throws {
        let settings = ClientSettings(environment: environment, files: .folder([:]))
        let proxy = try ConnectionSettings(settings).proxyAddress(for: Endpoint(url))
        #expect(proxy ?? "" == expected)
    }

    @Test(arguments: [
        ["HTTPS_PROXY": "https://u:\(secret)@proxy"], ["HTTP_PROXY": "http://u:\(secret)@pro xy"],
        ["AWS_CA_BUNDLE": "/none"], ["AWS_CA_BUNDLE": "/empty"], ["AWS_CA_BUNDLE": "/bom"], ["AWS_CA_BUNDLE": "/cut"],
        ["AWS_CA_BUNDLE": "/key"],
    ])
    func badConnectionSettings(environment: [String: String]) throws {
        let files = [
            "/empty": "no certificate", "/bom": "\u{FEFF}" + oneCertificate,
            "/cut": String(oneCertificate.prefix(200)) + "\n-----END CERTIFICATE-----\n",
            "/key": "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
        ]
        let settings = ClientSettings(environment: environment, files: .folder(files))
        let error = #expect(throws: ConnectionSettings.Malformed.self) { _ = try ConnectionSettings(settings) }
        #expect(error?.message.contains(secret) == false)
        #expect(error?.message.hasPrefix(environment.keys.first ?? "?") == true)
    }

    @Test func goodCertificateBundles() throws {
        for content in [oneCertificate, "# Root\n" + oneCertificate + "\n" + oneCertificate] {
            let settings = ClientSettings(environment: ["AWS_CA_BUNDLE": "/ca"], files: .folder(["/ca": content]))
            #expect(try ConnectionSettings(settings).certificateBundle == "/ca")
        }
    }
}
