/// Where to send and for which region to sign, from options, environment and shared files.
public struct EndpointResolution: Sendable, Hashable {
    /// The region to sign for.
    public let region: String
    public let endpoint: Endpoint
    /// For the log: a choice that the user may want to know of.
    public let notice: String?

    /// Why there is no endpoint.
    public enum Failure: Error, Sendable, Hashable {
        /// Neither option, environment nor profile names a region.
        case missingRegion
        /// `place`: `region`, or the variable's or property's name.
        case malformedRegion(place: String)
        /// `place`: `endpoint_url`, or the variable's or property's name.
        case malformedEndpoint(place: String, message: String)
        /// An endpoint of one's own together with a variant (`FIPS`, `dual-stack`) of the service's: there is no such host.
        case variantOfOwnEndpoint(place: String, variant: String)
        /// The instance's region is needed, and its metadata service is there but fails.
        case instanceFailed(String)
        /// A shared file can't be read or understood, and what it says would matter.
        case malformedFile(String)
    }

    /// - Parameters:
    ///   - region: the option; then `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile.
    ///   - endpointURL: the option; then `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, the profile's `services`
    ///     section, the profile's `endpoint_url`, the service's host in the region.
    ///   - instanceRegion: asked last, and only where a region is needed to find the service: `InstanceRegion.find`
    ///     where the network may be used.
    public init(
        _ service: AWSService, region: String?, endpointURL: String?, settings: ClientSettings,
        instanceRegion: (ClientSettings) throws(CredentialError) -> String? = { _ in nil }
    ) throws(Failure) {
        let chosenRegion: (value: String, place: String)? =
            if let region, !region.isEmpty { (region, "region") } else {
                settings.setting(["AWS_REGION", "AWS_DEFAULT_REGION"], "region")
            }
        if let chosenRegion, !Self.isRegion(chosenRegion.value) { throw .malformedRegion(place: chosenRegion.place) }
        let url: (value: String, place: String)? =
            if let endpointURL, !endpointURL.isEmpty { (endpointURL, "endpoint_url") } else {
                Self.configuredURL(service, settings)
            }
        let fips = settings.isOn("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
        let dualStack = settings.isOn("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
        // Options and variables answer everything: what the files say doesn't matter.
        let doubt = chosenRegion == nil || url == nil ? try Self.doubt(settings, hasRegion: chosenRegion != nil) : nil
        guard let url else {
            let found: String?
            do throws(CredentialError) {
                found = chosenRegion == nil ? try instanceRegion(settings) : nil
            } catch {
                throw .instanceFailed(error.message)
            }
            guard let place = chosenRegion ?? found.map({ ($0, "instance metadata") }) else {
                if let doubt { throw .malformedFile("no region is given, and \(doubt)") }
                throw .missingRegion
            }
            (endpoint, self.region) = try Self.own(service, place, fips, dualStack, settings)
            let choice = chosenRegion == nil ? "no region is given; the instance's own is used: \(place.value)" : nil
            notice = Self.notice(choice, doubt)
            return
        }
        if fips || dualStack {
            throw .variantOfOwnEndpoint(place: url.place, variant: fips ? "FIPS" : "dual-stack")
        }
        do throws(Endpoint.Malformed) {
            endpoint = try Endpoint(url.value)
        } catch {
            throw .malformedEndpoint(place: url.place, message: error.message)
        }
        self.region = chosenRegion?.value ?? "us-east-1"
        notice = Self.notice(
            chosenRegion == nil ? "no region is given; requests are signed for us-east-1" : nil, doubt)
    }

    /// What of the shared files can't be read or understood, where a region or an endpoint might stand there.
    ///
    /// A profile that somebody named must be understood; so must the default one where a region is to come from it.
    private static func doubt(_ settings: ClientSettings, hasRegion: Bool) throws(Failure) -> String? {
        if let fault = settings.faultOfProfile {
            if settings.profileOrigin != .standard || !hasRegion { throw .malformedFile(fault) }
            return fault
        }
        // A profile that is there says what it says; its own part of a file that can't be read is unknown.
        if let file = settings.unreadable.first { return file }
        return settings.shared.profiles[settings.profile] == nil ? settings.fault : nil
    }

    private static func notice(_ choice: String?, _ doubt: String?) -> String? {
        let parts = [choice, doubt.map { "a file of AWS settings can't be read and isn't used: \($0)" }]
        let words = parts.compactMap { $0 }
        return words.isEmpty ? nil : words.joined(separator: "; ")
    }

    /// The URL that variables or the profile name for a service, with its place.
    package static func configuredURL(
        _ service: AWSService, _ settings: ClientSettings
    ) -> (value: String, place: String)? {
        guard !settings.isOn("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") else {
            return nil
        }
        for name in ["AWS_ENDPOINT_URL_\(service.variable)", "AWS_ENDPOINT_URL"] {
            if let value = settings.variable(name) { return (value, name) }
        }
        if let name = settings.property("services"),
            let value = settings.shared.services[name]?[service.section]?["endpoint_url"], !value.isEmpty
        {
            return (value, "endpoint_url of \(service.section) in [services \(name)]")
        }
        return settings.property("endpoint_url").map { ($0, "endpoint_url of profile '\(settings.profile)'") }
    }

    /// The service's own endpoint, with the region to sign for.
    private static func own(
        _ service: AWSService, _ region: (value: String, place: String), _ fips: Bool, _ dualStack: Bool,
        _ settings: ClientSettings
    ) throws(Failure) -> (Endpoint, String) {
        var host = service.host(region: region.value, fips: fips, dualStack: dualStack)
        var signingRegion = region.value
        if service == .sts, !fips, !dualStack {
            let mode = settings.setting(["AWS_STS_REGIONAL_ENDPOINTS"], "sts_regional_endpoints")?.value.lowercased()
            if region.value == "aws-global" || (mode == "legacy" && globalSTSRegions.contains(region.value)) {
                (host, signingRegion) = ("sts.amazonaws.com", "us-east-1")
            }
        }
        do throws(Endpoint.Malformed) {
            return (try Endpoint("https://\(host)"), signingRegion)
        } catch {
            throw .malformedRegion(place: region.place)
        }
    }

    /// The regions whose tokens the global endpoint of STS makes, where `legacy` asks for it.
    private static let globalSTSRegions: Set<String> = [
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
        "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
        "us-west-2",
    ]

    /// One label of a host name: lower-case letters, digits and hyphens within.
    package static func isRegion(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

extension EndpointResolution.Failure {
    /// For a message.
    public var words: String {
        switch self {
        case .missingRegion: "no region is given"
        case .malformedRegion(let place): "\(place) isn't a region such as eu-central-1"
        case .malformedEndpoint(let place, let message): "\(place) isn't a server's URL: \(message)"
        case .variantOfOwnEndpoint(let place, let variant):
            "\(place) names a server, which has no \(variant) variant"
        case .instanceFailed(let reason): "no region is given, and the instance can't tell its own: \(reason)"
        case .malformedFile(let fault): fault
        }
    }
}
