/// A service's names: in hosts, in variables, in configuration files.
public struct AWSService: Sendable, Hashable {
    /// The first label of its hosts, with FIPS a second form.
    package let host: String
    package let fipsHost: String
    /// Behind `AWS_ENDPOINT_URL_`.
    package let variable: String
    /// In a `[services …]` section.
    package let section: String

    package init(host: String, fipsHost: String, variable: String, section: String) {
        self.host = host
        self.fipsHost = fipsHost
        self.variable = variable
        self.section = section
    }

    public static let pinpoint = AWSService(
        host: "pinpoint", fipsHost: "pinpoint-fips", variable: "PINPOINT", section: "pinpoint")
    public static let sts = AWSService(host: "sts", fipsHost: "sts-fips", variable: "STS", section: "sts")
    /// The portal of IAM Identity Center, which hands out the credentials of roles.
    public static let sso = AWSService(
        host: "portal.sso", fipsHost: "portal.sso-fips", variable: "SSO", section: "sso")

    /// The part of IAM Identity Center that renews tokens.
    public static let ssoOIDC = AWSService(
        host: "oidc", fipsHost: "oidc-fips", variable: "SSO_OIDC", section: "sso_oidc")

    /// The service's own host in a region.
    ///
    /// The rules are those of botocore's endpoint data (partitions 1.1; the rule sets of pinpoint, sts, sso and sso-oidc).
    package func host(region: String, fips: Bool, dualStack: Bool) -> String {
        let partition = Partition(region: region)
        // In GovCloud the ordinary hosts of these are the FIPS ones.
        let isPlain = fips && !dualStack && partition == .government && [.sts, .sso, .ssoOIDC].contains(self)
        return "\(fips && !isPlain ? fipsHost : host).\(region)."
            + (dualStack ? partition.dualStackSuffix : partition.suffix)
    }
}

/// A group of regions with a DNS of its own.
package enum Partition: Sendable, Hashable {
    case standard, china, government, sovereign, iso, isoB, isoE, isoF

    package init(region: String) {
        let prefixes: [(String, Partition)] = [
            ("cn-", .china), ("aws-cn-", .china), ("us-gov-", .government), ("aws-us-gov-", .government),
            ("eusc-", .sovereign), ("us-iso-", .iso), ("us-isob-", .isoB), ("aws-iso-b-", .isoB),
            ("eu-isoe-", .isoE), ("aws-iso-e-", .isoE), ("us-isof-", .isoF), ("aws-iso-f-", .isoF),
            ("aws-iso-", .iso),
        ]
        self = prefixes.first { region.hasPrefix($0.0) }?.1 ?? .standard
    }

    package var suffix: String {
        switch self {
        case .standard, .government: "amazonaws.com"
        case .china: "amazonaws.com.cn"
        case .sovereign: "amazonaws.eu"
        case .iso: "c2s.ic.gov"
        case .isoB: "sc2s.sgov.gov"
        case .isoE: "cloud.adc-e.uk"
        case .isoF: "csp.hci.ic.gov"
        }
    }

    package var dualStackSuffix: String {
        switch self {
        case .standard, .government: "api.aws"
        case .china: "api.amazonwebservices.com.cn"
        case .sovereign: "api.amazonwebservices.eu"
        case .iso: "api.aws.ic.gov"
        case .isoB: "api.aws.scloud"
        case .isoE: "api.cloud-aws.adc-e.uk"
        case .isoF: "api.aws.hci.ic.gov"
        }
    }
}
