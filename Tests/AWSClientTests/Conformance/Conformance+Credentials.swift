import AWSClient
import AWSSigning
import Foundation
import Synchronization
import Testing

/// Whole scenarios of aws-config: an environment, files, and the traffic that was recorded.
extension Conformance {
    @Test("Credential scenarios", arguments: ["default-credential-provider-chain", "profile-provider"])
    func credentials(group: String) async throws {
        let folder = "credentials/\(group)"
        let scenarios = try ConformanceFolder.cases(
            in: folder, with: ["env.json", "http-traffic.json", "test-case.json"])
        for name in scenarios {
            let environment = try #require(
                ConformanceFolder.json("\(folder)/\(name)/env.json") as? [String: String])
            let vector = try ConformanceFolder.json("\(folder)/\(name)/test-case.json")
            Self.expectKnown(vector, ["name", "docs", "result"], "\(folder)/\(name)/test-case.json")
            let expected = try #require(vector["result"] as? [String: Any], "\(name) has no result")
            // An error, or credentials; a third kind of result has no meaning yet.
            Self.expectKnown(expected, ["Ok", "ErrorContains"], "\(folder)/\(name)/test-case.json")
            let traffic = try RecordedTraffic(ConformanceFolder.json("\(folder)/\(name)/http-traffic.json"))
            // The second group drives profiles alone, without what comes before them in the chain.
            let profile = group == "profile-provider" ? environment["AWS_PROFILE"] ?? "default" : nil
            let settings = ClientSettings(
                environment: environment, profile: profile, files: .below("\(folder)/\(name)/fs"))
            let chain = CredentialChain(settings: settings, transport: traffic.transport)
            let result: Result<LoadedCredentials, CredentialError>
            do {
                result = .success(try await chain.load())
            } catch let error as CredentialError {
                result = .failure(error)
            }
            for difference in traffic.differences { Issue.record("\(name): \(difference)") }
            #expect(traffic.isSpent, "\(name): fewer requests than recorded")
            if let words = expected["ErrorContains"] as? String {
                guard case .failure(let error) = result else {
                    Issue.record("\(name): an error was expected")
                    continue
                }
                let text = "\(error.message)\n\(error.hint ?? "")"
                let ours = try #require(Self.words(for: words), "\(name): '\(words)' is unknown to this suite")
                #expect(ours.contains { text.contains($0) }, "\(name): \(text)")
                continue
            }
            let loaded = try result.get()
            let credentials = try #require(expected["Ok"] as? [String: Any], "\(name): neither Ok nor ErrorContains")
            // No call needs the account.
            Self.expectKnown(
                credentials, ["access_key_id", "secret_access_key", "session_token", "expiry", "account_id"],
                "\(folder)/\(name)/test-case.json")
            #expect(loaded.credentials.accessKeyID == credentials["access_key_id"] as? String, "\(name)")
            #expect(loaded.credentials.secretAccessKey == credentials["secret_access_key"] as? String, "\(name)")
            #expect(loaded.credentials.sessionToken == credentials["session_token"] as? String, "\(name)")
            #expect(loaded.expiration == (credentials["expiry"] as? NSNumber)?.doubleValue, "\(name)")
        }
        Self.report(scenarios.count, "credentials/\(group)")
    }

    /// What our messages say where aws-config's hold these words; the kinds are the same.
    private static func words(for theirs: String) -> [String]? {
        switch theirs {
        case "the credential provider was not enabled":
            ["there are no AWS credentials", "the instance has no role", "stands neither in"]
        case "request forbidden: IMDS is disabled": [theirs]
        case "could not parse profile file": [theirs]
        case let text where text.hasPrefix("failed to read `/home/.aws/sso/cache/"):
            ["/home/.aws/sso/cache/dace00cba5f8355ec9d274ceb2bcebdfbeed0e12.json doesn't exist"]
        case let text where text.hasSuffix("external process exited with code exit status: 1"): ["exit status 1"]
        case "an error occurred while loading credentials": ["refused the credentials of role", "can't be asked"]
        case "selected profile will resolve an access token instead of credentials":
            ["gives a token and no credentials"]
        default: nil
        }
    }
}

/// Answers requests with what was recorded, in its order.
private final class RecordedTraffic: Sendable {
    private struct Exchange: Sendable {
        var method = ""
        var url = ""
        var headers: [String: String] = [:]
        var body = ""
        var answer: (status: Int, body: String) = (0, "")
    }

    private let rest: Mutex<[Exchange]>
    private let found = Mutex<[String]>([])

    init(_ document: [String: Any]) throws {
        var exchanges: [Int: Exchange] = [:]
        for event in try #require(document["events"] as? [[String: Any]], "no traffic was recorded") {
            let connection = try #require(event["connection_id"] as? Int)
            let action = try #require(event["action"] as? [String: Any])
            var exchange = exchanges[connection] ?? Exchange()
            if let request = (action["Request"] as? [String: Any])?["request"] as? [String: Any] {
                exchange.method = try #require(request["method"] as? String)
                exchange.url = try #require(request["uri"] as? String)
                for (name, values) in try #require(request["headers"] as? [String: [String]]) {
                    exchange.headers[name.lowercased()] = values.first
                }
            } else if let data = action["Data"] as? [String: Any] {
                let text = (data["data"] as? [String: String])?["Utf8"] ?? ""
                if data["direction"] as? String == "Request" {
                    exchange.body += text
                } else {
                    exchange.answer.body += text
                }
            } else if let response = (action["Response"] as? [String: Any])?["response"] as? [String: Any],
                let head = response["Ok"] as? [String: Any]
            {
                exchange.answer.status = try #require(head["status"] as? Int)
            } else if action["Eof"] == nil {
                Issue.record("recorded traffic: '\(action.keys.joined())' is unknown to this suite")
            }
            exchanges[connection] = exchange
        }
        rest = Mutex(exchanges.sorted { $0.key < $1.key }.map(\.value))
    }

    var isSpent: Bool { rest.withLock(\.isEmpty) }
    var differences: [String] { found.withLock { $0 } }

    var transport: CredentialTransport {
        CredentialTransport { request in
            guard let exchange = self.rest.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                throw TransportFailure(.refused, "nothing more was recorded")
            }
            self.compare(request, exchange)
            return HTTPAnswer(status: exchange.answer.status, headers: [], body: Array(exchange.answer.body.utf8))
        }
    }

    private func compare(_ request: CredentialRequest, _ recorded: Exchange) {
        func expect(_ ours: String, _ theirs: String, _ what: String) {
            if ours != theirs { found.withLock { $0.append("\(what): \(ours) instead of \(theirs)") } }
        }
        expect(request.method, recorded.method, "method")
        let ours = "\(request.endpoint.scheme)://\(request.endpoint.authority)\(request.target)"
        expect(Self.normalized(ours), Self.normalized(recorded.url), "URL")
        for name in ["x-amz-sso_bearer_token", "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds"] {
            let value = request.headers.first { $0.name.lowercased() == name }?.value ?? ""
            expect(value, recorded.headers[name] ?? "", name)
        }
        // Session names are made up by each client.
        func form(_ body: String) -> String {
            body.split(separator: "&").filter { !$0.hasPrefix("RoleSessionName=") }.sorted().joined(separator: "&")
        }
        expect(form(String(decoding: request.body, as: UTF8.self)), form(recorded.body), "form")
        if recorded.headers["authorization"] != nil {
            let isSigned = request.headers.contains { $0.name == "Authorization" && $0.value.contains("/sts/") }
            expect("\(isSigned)", "true", "signed")
        }
    }

    /// The query in the order of its names, and a path even where there is none.
    private static func normalized(_ url: String) -> String {
        guard var parts = URLComponents(string: url) else { return url }
        if parts.path.isEmpty { parts.path = "/" }
        parts.queryItems = parts.queryItems?.sorted { $0.name < $1.name }
        return parts.string ?? url
    }
}

extension FileAccess {
    /// The files of a scenario: paths are below its folder.
    fileprivate static func below(_ folder: String) -> FileAccess {
        FileAccess { path throws(Failure) in
            guard let url = ConformanceFolder.url?.appending(path: folder + path),
                let data = try? Data(contentsOf: url)
            else { throw .missing }
            return Array(data)
        }
    }

    /// Files in memory.
    static func folder(_ files: [String: String?]) -> FileAccess {
        FileAccess { path throws(Failure) in
            guard let text = files[path] ?? nil else { throw .missing }
            return Array(text.utf8)
        }
    }
}
