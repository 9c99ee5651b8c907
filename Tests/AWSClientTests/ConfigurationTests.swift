import AWSClient
import AWSSigning
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("http://127.0.0.1:4100", "http", "127.0.0.1", "127.0.0.1:4100", ""),
        ("HTTPS://Example.COM/", "https", "example.com", "example.com", ""),
        ("https://example.com:443/a/b/", "https", "example.com", "example.com", "/a/b"),
        ("http://example.com:443", "http", "example.com", "example.com:443", ""),
        ("http://[::1]:8080", "http", "::1", "[::1]:8080", ""),
    ])
    func endpoints(url: String, scheme: String, host: String, authority: String, prefix: String) throws {
        let endpoint = try Endpoint(url)
        #expect(endpoint.scheme == scheme && endpoint.host == host)
        #expect(endpoint.authority == authority && endpoint.pathPrefix == prefix)
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com", "http://", "http://:80", "http://a:0", "http://a:65536", "http://a:x",
        "http://u:p@host", "http://host?x=1", "http://host/#f", "http://ho st", "http://höst", "http://[::1",
        "http://a:",
    ])
    func malformedEndpoints(url: String) {
        #expect(throws: Endpoint.Malformed.self) { _ = try Endpoint(url) }
    }

    @Test func regionAndEndpoint() throws {
        func resolve(_ region: String?, _ url: String?, _ environment: [String: String]) throws -> EndpointResolution {
            try EndpointResolution(
                .pinpoint, region: region, endpointURL: url,
                settings: ClientSettings(environment: environment, files: .folder([:])))
        }
        let plain = try resolve("eu-west-1", nil, ["AWS_REGION": "us-west-2"])
        #expect(plain.region == "eu-west-1" && plain.endpoint.authority == "pinpoint.eu-west-1.amazonaws.com")
        let china = try resolve(nil, nil, ["AWS_REGION": " ", "AWS_DEFAULT_REGION": "cn-north-1"])
        #expect(china.endpoint.authority == "pinpoint.cn-north-1.amazonaws.com.cn")
        let variables = ["AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_PINPOINT": "http://b"]
        let named = try resolve(nil, nil, variables)
        #expect(named.endpoint.authority == "b" && named.region == "us-east-1" && named.notice != nil)
        let option = try resolve("eu-west-1", "http://c", variables)
        #expect(option.endpoint.authority == "c" && option.notice == nil)
        #expect(throws: EndpointResolution.Failure.missingRegion) { _ = try resolve(nil, nil, [:]) }
        #expect(throws: EndpointResolution.Failure.malformedRegion(place: "AWS_REGION")) {
            _ = try resolve(nil, nil, ["AWS_REGION": "EU West"])
        }
        #expect(throws: EndpointResolution.Failure.self) { _ = try resolve(nil, nil, ["AWS_ENDPOINT_URL": "nonsense"]) }
    }

    @Test func credentialsFromTheEnvironment() async throws {
        let full = [
            "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "  ",
        ]
        let credentials = try await CredentialProvider.environment(full).credentials()
        #expect(credentials.sessionToken == nil)
        for environment in [[:], ["AWS_ACCESS_KEY_ID": "AKID"], ["AWS_SECRET_ACCESS_KEY": "s"]] {
            await #expect(throws: CredentialError.self) {
                _ = try await CredentialProvider.environment(environment).credentials()
            }
        }
    }

    @Test(arguments: [
        ("NotFoundException", "NotFoundException"), ("NotFoundException:http://x/y", "NotFoundException"),
        ("com.amazonaws.pinpoint#NotFoundException", "NotFoundException"), ("a#B:http://x", "B"), ("", ""),
    ])
    func errorCodes(value: String, code: String) {
        #expect(ErrorCodes.code(in: value) == code)
    }
}
