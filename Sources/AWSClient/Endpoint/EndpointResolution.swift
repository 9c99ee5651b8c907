/// Where to send and for which region to sign, from options and environment.
public struct EndpointResolution: Sendable, Hashable {
    public let region: String
    public let endpoint: Endpoint
    /// For the log: a choice that the user may want to know of.
    public let notice: String?

    /// Why there is no endpoint.
    public enum Failure: Error, Sendable, Hashable {
        /// Neither option nor environment names a region.
        case missingRegion
        /// `place`: `region`, or the variable's name.
        case malformedRegion(place: String)
        /// `place`: `endpoint_url`, or the variable's name.
        case malformedEndpoint(place: String, message: String)
    }

    /// - Parameters:
    ///   - region: the option; then `AWS_REGION`, `AWS_DEFAULT_REGION`.
    ///   - endpointURL: the option; then `AWS_ENDPOINT_URL_PINPOINT`, `AWS_ENDPOINT_URL`, Pinpoint's host in the region.
    public init(region: String?, endpointURL: String?, environment: [String: String]) throws(Failure) {
        func first(_ option: String?, _ place: String, _ variables: [String]) -> (value: String, place: String)? {
            if let option, !option.isEmpty { return (option, place) }
            for variable in variables {
                // Blank is unset.
                if let value = environment[variable], !value.allSatisfy(\.isWhitespace) { return (value, variable) }
            }
            return nil
        }
        let chosenRegion = first(region, "region", ["AWS_REGION", "AWS_DEFAULT_REGION"])
        let url = first(endpointURL, "endpoint_url", ["AWS_ENDPOINT_URL_PINPOINT", "AWS_ENDPOINT_URL"])
        if let chosenRegion, !chosenRegion.value.utf8.allSatisfy(Self.isOfRegion) {
            throw .malformedRegion(place: chosenRegion.place)
        }
        guard let url else {
            guard let chosenRegion else { throw .missingRegion }
            self.region = chosenRegion.value
            do throws(Endpoint.Malformed) {
                endpoint = try .pinpoint(region: chosenRegion.value)
            } catch {
                throw .malformedRegion(place: chosenRegion.place)
            }
            notice = nil
            return
        }
        do throws(Endpoint.Malformed) {
            endpoint = try Endpoint(url.value)
        } catch {
            throw .malformedEndpoint(place: url.place, message: error.message)
        }
        self.region = chosenRegion?.value ?? "us-east-1"
        notice = chosenRegion == nil ? "no region is given; requests are signed for us-east-1" : nil
    }

    private static func isOfRegion(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
