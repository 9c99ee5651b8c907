/// How a service is called.
public struct ServiceConfiguration: Sendable {
    /// The name in the credential scope, `mobiletargeting`.
    public var signingName: String
    public var region: String
    public var endpoint: Endpoint
    /// Attempts per second, above 0: the ceiling where `adaptsRate`.
    public var requestsPerSecond: Double
    /// Attempts that idle time may save up.
    public var burst: Double
    /// Finds the service's own limit below `requestsPerSecond`.
    public var adaptsRate: Bool
    /// Calls that run at once, and so connections.
    public var concurrency: Int
    public var retry: RetryPolicy
    /// In seconds.
    public var connectTimeout: Double
    /// Seconds for one attempt, from connecting to the last byte of the body.
    public var requestTimeout: Double
    /// `sluice/1.0`
    public var userAgent: String
    /// Trust and proxies.
    public var connections: ConnectionSettings

    public init(
        signingName: String, region: String, endpoint: Endpoint, requestsPerSecond: Double = 300, burst: Double = 30,
        adaptsRate: Bool = true, concurrency: Int = 64, retry: RetryPolicy = RetryPolicy(), connectTimeout: Double = 3,
        requestTimeout: Double = 10, userAgent: String, connections: ConnectionSettings = .direct
    ) {
        self.signingName = signingName
        self.region = region
        self.endpoint = endpoint
        self.requestsPerSecond = requestsPerSecond
        self.burst = burst
        self.adaptsRate = adaptsRate
        self.concurrency = concurrency
        self.retry = retry
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.userAgent = userAgent
        self.connections = connections
    }
}
