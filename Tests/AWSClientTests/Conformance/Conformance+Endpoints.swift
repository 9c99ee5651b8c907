import AWSClient
import Foundation
import Testing

/// botocore's cases for endpoints.
extension Conformance {
    @Test("Endpoints of pinpoint and sts", arguments: ["pinpoint", "sts"])
    func endpoints(name: String) throws {
        let file = "endpoints/\(name)-endpoint-tests-1.json"
        guard ConformanceFolder.exists(file) else { return }
        let cases = try #require(ConformanceFolder.json(file)["testCases"] as? [[String: Any]])
        for vector in cases {
            let docs = vector["documentation"] as? String ?? ""
            let parameters = vector["params"] as? [String: Any] ?? [:]
            let expected = try #require(vector["expect"] as? [String: Any])
            var environment: [String: String] = [:]
            if parameters["UseFIPS"] as? Bool == true { environment["AWS_USE_FIPS_ENDPOINT"] = "true" }
            if parameters["UseDualStack"] as? Bool == true { environment["AWS_USE_DUALSTACK_ENDPOINT"] = "true" }
            if parameters["UseGlobalEndpoint"] as? Bool == true {
                environment["AWS_STS_REGIONAL_ENDPOINTS"] = "legacy"
            }
            let result: Result<EndpointResolution, EndpointResolution.Failure>
            do throws(EndpointResolution.Failure) {
                result = .success(
                    try EndpointResolution(
                        name == "sts" ? .sts : .pinpoint, region: parameters["Region"] as? String,
                        endpointURL: parameters["Endpoint"] as? String,
                        settings: ClientSettings(environment: environment, files: .folder([:]))))
            } catch {
                result = .failure(error)
            }
            if let words = expected["error"] as? String {
                guard case .failure(let failure) = result else {
                    Issue.record("\(docs): an error was expected")
                    continue
                }
                switch failure {
                case .missingRegion: #expect(words.contains("Missing Region"))
                case .variantOfOwnEndpoint(_, "FIPS"): #expect(words.contains("FIPS and custom endpoint"))
                case .variantOfOwnEndpoint: #expect(words.contains("Dualstack and custom endpoint"))
                default: Issue.record("\(docs): \(failure)")
                }
                continue
            }
            let endpoint = try #require(expected["endpoint"] as? [String: Any])
            let place = try result.get()
            #expect("https://\(place.endpoint.authority)\(place.endpoint.pathPrefix)" == endpoint["url"] as? String)
            let properties = endpoint["properties"] as? [String: Any]
            let scheme = (properties?["authSchemes"] as? [[String: Any]])?.first
            if let region = scheme?["signingRegion"] as? String { #expect(place.region == region, "\(docs)") }
        }
        print("Conformance: \(cases.count) cases of \(name)-endpoint-tests-1.json")
        #expect(!cases.isEmpty)
    }

    @Test("Regions and their partitions")
    func partitions() throws {
        guard ConformanceFolder.exists("endpoints/partitions.json") else { return }
        let partitions = try #require(
            ConformanceFolder.json("endpoints/partitions.json")["partitions"] as? [[String: Any]])
        var count = 0
        for partition in partitions {
            let outputs = try #require(partition["outputs"] as? [String: Any])
            for region in try #require(partition["regions"] as? [String: Any]).keys {
                let known = Partition(region: region)
                #expect(known.suffix == outputs["dnsSuffix"] as? String, "\(region)")
                #expect(known.dualStackSuffix == outputs["dualStackDnsSuffix"] as? String, "\(region)")
                count += 1
            }
        }
        print("Conformance: \(count) regions of partitions.json")
        #expect(count > 0)
    }

    @Test("Endpoints from variables and profiles")
    func configuredEndpoints() throws {
        let file = "endpoints/configured-endpoint-urls-profile-tests.json"
        guard ConformanceFolder.exists(file) else { return }
        let suites = try #require(ConformanceFolder.json(file)["testSuites"] as? [[String: Any]])
        var count = 0
        for suite in suites {
            let profiles = try #require(suite["profiles"] as? [String: [String: String]])
            let services = try #require(suite["services"] as? [String: [String: [String: String]]])
            let clients = try #require(suite["client_configs"] as? [String: [String: Any]])
            let environments = try #require(suite["environments"] as? [String: [String: String]])
            let config = Self.text(profiles: profiles, services: services)
            for vector in try #require(suite["endpointUrlTests"] as? [[String: Any]]) {
                func name(_ key: String) throws -> String { try #require(vector[key] as? String) }
                let label = try name("name")
                let client = try #require(clients[name("client_config")])
                var environment = try #require(environments[name("environment")])
                environment["AWS_CONFIG_FILE"] = "/config"
                // The client's own switch has no counterpart but the variable.
                if client["ignore_configured_endpoint_urls"] as? Bool == true {
                    environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
                }
                let settings = try ClientSettings(
                    environment: environment, profile: name("profile"), files: .folder(["/config": config]))
                let service = try AWSService(
                    host: name("service"), fipsHost: "", variable: name("service").uppercased(),
                    section: name("service"))
                let place = try EndpointResolution(
                    service, region: nil, endpointURL: client["endpoint_url"] as? String, settings: settings)
                let output = try #require(vector["output"] as? [String: Any])
                let own = try "https://\(name("service")).fake-region-10.amazonaws.com"
                let url = "\(place.endpoint.scheme)://\(place.endpoint.authority)"
                #expect(url == output["endpointUrl"] as? String ?? own, "\(label)")
                count += 1
            }
        }
        print("Conformance: \(count) cases of configured-endpoint-urls-profile-tests.json")
        #expect(count > 0)
    }

    /// The configuration file that says the same.
    private static func text(
        profiles: [String: [String: String]], services: [String: [String: [String: String]]]
    ) -> String {
        var lines: [String] = []
        for (name, properties) in profiles {
            lines.append("[profile \(name)]")
            for (key, value) in properties { lines.append("\(key) = \(value)") }
        }
        for (name, sections) in services {
            lines.append("[services \(name)]")
            for (service, properties) in sections {
                lines.append("\(service) =")
                for (key, value) in properties { lines.append("  \(key) = \(value)") }
            }
        }
        return lines.joined(separator: "\n")
    }
}
