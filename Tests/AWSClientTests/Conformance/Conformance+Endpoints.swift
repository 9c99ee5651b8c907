import AWSClient
import Foundation
import Testing

/// botocore's cases for endpoints.
extension Conformance {
    @Test("Endpoints of pinpoint and sts", arguments: ["pinpoint", "sts"])
    func endpoints(name: String) throws {
        let file = "endpoints/\(name)-endpoint-tests-1.json"
        let cases = try #require(ConformanceFolder.json(file)["testCases"] as? [[String: Any]])
        for vector in cases {
            let docs = vector["documentation"] as? String ?? ""
            // The inputs of operations repeat the parameters.
            Self.expectKnown(vector, ["documentation", "params", "expect", "operationInputs"], "\(name): \(docs)")
            let parameters = vector["params"] as? [String: Any] ?? [:]
            Self.expectKnown(
                parameters, ["Region", "Endpoint", "UseFIPS", "UseDualStack", "UseGlobalEndpoint"], "\(name): \(docs)")
            let expected = try #require(vector["expect"] as? [String: Any])
            Self.expectKnown(expected, ["endpoint", "error"], "\(name): \(docs)")
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
            Self.expectKnown(endpoint, ["url", "properties"], "\(name): \(docs)")
            let place = try result.get()
            let url = "\(place.endpoint.scheme)://\(place.endpoint.authority)\(place.endpoint.pathPrefix)"
            #expect(url == endpoint["url"] as? String, "\(docs)")
            let properties = endpoint["properties"] as? [String: Any] ?? [:]
            Self.expectKnown(properties, ["authSchemes"], "\(name): \(docs)")
            guard let schemes = properties["authSchemes"] as? [[String: Any]] else {
                if let region = parameters["Region"] as? String { #expect(place.region == region, "\(docs)") }
                continue
            }
            let scheme = try #require(schemes.first)
            #expect(schemes.count == 1, "\(docs)")
            Self.expectKnown(scheme, ["name", "signingName", "signingRegion"], "\(name): \(docs)")
            #expect(scheme["name"] as? String == "sigv4", "\(docs)")
            #expect(place.region == scheme["signingRegion"] as? String, "\(docs)")
        }
        Self.report(cases.count, file)
    }

    @Test("Regions and their partitions")
    func partitions() throws {
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
        Self.report(count, "endpoints/partitions.json, its regions")
    }

    @Test("Endpoints from variables and profiles")
    func configuredEndpoints() throws {
        let file = "endpoints/configured-endpoint-urls-profile-tests.json"
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
                Self.expectKnown(
                    vector, ["name", "profile", "client_config", "service", "environment", "output"], label)
                let client = try #require(clients[name("client_config")])
                Self.expectKnown(client, ["endpoint_url", "ignore_configured_endpoint_urls"], label)
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
                Self.expectKnown(output, ["endpointUrl"], label)
                let own = try "https://\(name("service")).fake-region-10.amazonaws.com"
                let url = "\(place.endpoint.scheme)://\(place.endpoint.authority)"
                #expect(url == output["endpointUrl"] as? String ?? own, "\(label)")
                count += 1
            }
        }
        Self.report(count, file)
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
