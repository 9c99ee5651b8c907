import AWSClient
import AWSSigning
import Testing

/// What botocore reads of the files that the AWS tools share, and what of other profiles doesn't matter.
@Suite struct SharedFileTests {
    private static func settings(
        _ config: String, credentials: String = "", profile: String? = nil, environment: [String: String] = [:]
    ) -> ClientSettings {
        ClientSettings(
            environment: environment.merging(["HOME": "/h"]) { $1 }, profile: profile,
            files: .folder(["/h/.aws/config": config, "/h/.aws/credentials": credentials]))
    }

    /// The expected values are those of botocore 1.43: `session.full_config['profiles'][name]['region']`.
    @Test(arguments: [
        ("[profile p]\n  region = eu-west-1\n  output = json\n", "p"), ("[profile p]\n\tregion=eu-west-1", "p"),
        ("  [profile p]\n  region = eu-west-1\n", "p"), ("[profile p]\n\n  # note\n  region = eu-west-1\n", "p"),
        ("[profile p] trailing words\nregion = eu-west-1", "p"), ("[profile p]\rregion = eu-west-1\r", "p"),
        ("[profile \"my prof\"]\nregion = eu-west-1", "my prof"),
        ("[profile 'my prof']\nregion = eu-west-1", "my prof"),
        ("[profile my\\ prof]\nregion = eu-west-1", "my prof"),
        ("[profile my\" \"prof]\nregion = eu-west-1", "my prof"),
        ("[profile \"a\\\"b\"]\nregion = eu-west-1", "a\"b"), ("[profile \"p\"]\nregion = eu-west-1", "p"),
        ("[profile büro]\nregion = eu-west-1", "büro"), ("[profile 日本]\nregion = eu-west-1", "日本"),
        ("[profile a!b]\nregion = eu-west-1", "a!b"),
        ("[profile p]\ns3 =\n  max = 1\nregion = eu-west-1", "p"),
        ("[profile p]\n  s3 =\n    max = 1\n  region = eu-west-1", "p"),
    ])
    func whatBotocoreReads(config: String, profile: String) {
        let settings = Self.settings(config, profile: profile)
        #expect(settings.fault == nil)
        #expect(settings.property("region") == "eu-west-1", "\(settings.shared.profiles)")
    }

    @Test(arguments: ["my prof", "büro", "profile x", "a b c"])
    func namesInTheCredentialsFile(name: String) {
        let settings = Self.settings("", credentials: "[\(name)]\n  region = eu-west-1\n", profile: name)
        #expect(settings.property("region") == "eu-west-1")
    }

    /// What can't be understood of others doesn't matter, before the profile in use or after it.
    @Test(arguments: [
        "[profile other\nregion = x", "[profile other]\nnonsense", "[profile other]\nkey : value",
        "[profile other]\n= 1", "[profile other]\ns3 =\n  nonsense", "[profile \"other]\nx = 1", "[]\nx = 1",
        "[profile a b c]\nx = 1", "[profile other]\n  nonsense",
    ])
    func faultsOfOthers(fault: String) throws {
        let own = "[profile p]\nregion = eu-west-1"
        for config in ["\(fault)\n\(own)\n", "\(own)\n\(fault)\n", "text of nobody\n\(own)\n"] {
            let settings = Self.settings(config, profile: "p")
            #expect(settings.faultOfProfile == nil, "\(config)")
            let place = try EndpointResolution(.pinpoint, region: nil, endpointURL: nil, settings: settings)
            #expect(place.region == "eu-west-1" && place.notice == nil, "\(config)")
        }
    }

    @Test(arguments: ["nonsense", "key : value", "= 1", "s3 =\n  nonsense", "credential_process : x --y=z"])
    func faultsOfOnesOwn(line: String) {
        let settings = Self.settings("[profile p]\nregion = eu-west-1\n\(line)\n", profile: "p")
        #expect(settings.faultOfProfile?.hasPrefix("/h/.aws/config:") == true)
        #expect(throws: EndpointResolution.Failure.self) {
            _ = try EndpointResolution(.pinpoint, region: nil, endpointURL: nil, settings: settings)
        }
    }

    /// Where the environment says all that is needed, a file that is no use is told and does no harm.
    @Test(arguments: [nil, "nonsense", "[default]\nnonsense", "[x\n", "\u{0}\u{1}\u{FFFD}"] as [String?])
    func theEnvironmentIsEnough(config: String?) async throws {
        let environment = [
            "HOME": "/h", "AWS_REGION": " eu-west-1\n", "AWS_ACCESS_KEY_ID": "AKID\n", "AWS_SECRET_ACCESS_KEY": "s",
        ]
        let files = FileAccess { path throws(FileAccess.Failure) in
            guard path == "/h/.aws/config" else { throw .missing }
            guard let config else { throw .unreadable("Permission denied") }
            return Array(config.utf8)
        }
        let settings = ClientSettings(environment: environment, files: files)
        let place = try EndpointResolution(.pinpoint, region: nil, endpointURL: nil, settings: settings)
        #expect(place.region == "eu-west-1")
        #expect(place.notice?.contains("/h/.aws/config") == true)
        let chain = CredentialChain(settings: settings, transport: .network(.direct, userAgent: "sluice/test"))
        #expect(try await chain.load().credentials.accessKeyID == "AKID")
        // Without the region, what can't be read would matter.
        let without = ClientSettings(environment: ["HOME": "/h"], files: files)
        let failure = #expect(throws: EndpointResolution.Failure.self) {
            _ = try EndpointResolution(.pinpoint, region: nil, endpointURL: nil, settings: without)
        }
        #expect(failure?.words.contains("/h/.aws/config") == true)
    }

    /// A profile that isn't found may stand where nobody can read it: both are told.
    @Test(arguments: ["[profile p\naws_access_key_id = A", "[profile \"p]\nx = 1\n[x\n"])
    func aProfileBehindAnOddHeader(config: String) async throws {
        let chain = CredentialChain(
            settings: Self.settings(config, profile: "p"), transport: .network(.direct, userAgent: "sluice/test"))
        let error = await #expect(throws: CredentialError.self) { _ = try await chain.load() }
        #expect(error?.message.contains("/h/.aws/config:") == true, "\(error?.message ?? "")")
    }

    /// A source's fault is the profile's.
    @Test func faultsOfASource() async throws {
        let config = """
            [profile p]
            role_arn = r
            source_profile = b
            [profile b]
            aws_access_key_id = A
            aws_secret_access_key = B
            nonsense
            """
        let chain = CredentialChain(
            settings: Self.settings(config, profile: "p"), transport: .network(.direct, userAgent: "sluice/test"))
        let error = await #expect(throws: CredentialError.self) { _ = try await chain.load() }
        #expect(error?.message.contains("could not parse profile file: /h/.aws/config:7: ") == true)
    }
}
