/// What signs a request. Prints its access key ID only.
public struct SigningCredentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    public let accessKeyID: String
    public let secretAccessKey: String
    /// Goes with temporary credentials.
    public let sessionToken: String?

    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    public var description: String { "SigningCredentials(\(accessKeyID), •••)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}

/// What a signature is good for: a day, a region, a service.
public struct CredentialScope: Sendable, Hashable, CustomStringConvertible {
    /// `20250102`
    public let day: String
    public let region: String
    public let service: String

    public init(day: String, region: String, service: String) {
        self.day = day
        self.region = region
        self.service = service
    }

    /// `20250102/us-east-1/mobiletargeting/aws4_request`
    public var description: String { "\(day)/\(region)/\(service)/aws4_request" }
}
