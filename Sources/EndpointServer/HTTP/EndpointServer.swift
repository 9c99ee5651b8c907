/// A server for Pinpoint's GetUserEndpoints over a synthetic population.
public enum EndpointServer {
    /// What a server listens on, serves, and gets wrong on purpose.
    public struct Configuration: Sendable {
        /// An address or a name.
        public var host = "127.0.0.1"
        /// 0 takes a free port.
        public var port = 0
        public var population: SyntheticPopulation
        /// The only application there is; nil answers for every one.
        public var applicationID: String?
        /// Beyond it, 429.
        public var rate: RateLimit?
        public var faults = FaultPlan()
        /// How long every answer takes at least; 429s come at once.
        public var latency = Duration.zero
        /// Nil takes every request, signed or not.
        public var signatures: SignatureRequirement?
        /// How long a connection may keep the server waiting.
        package var timeouts = ConnectionTimeouts()
        /// Event loops, at least 1.
        public var threads = 1

        public init(population: SyntheticPopulation) { self.population = population }
    }

    /// A token bucket for all clients together.
    public struct RateLimit: Sendable, Hashable {
        public let requestsPerSecond: Double
        public let burst: Int

        /// Nil unless the rate is a positive number and the burst at least 1.
        public init?(requestsPerSecond: Double, burst: Int) {
            guard requestsPerSecond > 0, requestsPerSecond.isFinite, burst >= 1 else { return nil }
            self.requestsPerSecond = requestsPerSecond
            self.burst = burst
        }
    }

    /// Whose signature a request must carry.
    public struct SignatureRequirement: Sendable, CustomStringConvertible, CustomReflectable {
        public let accessKeyID: String
        public let secretAccessKey: String
        /// Must come with every request where there is one, and with none where there isn't.
        public let sessionToken: String?
        /// Nil takes every region.
        public let region: String?

        public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, region: String? = nil) {
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
            self.sessionToken = sessionToken
            self.region = region
        }

        public var description: String { "SignatureRequirement(\(accessKeyID), •••)" }
        public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
    }

    /// What a server did so far.
    public struct Statistics: Sendable, Hashable {
        /// Complete requests, whatever became of them.
        public var requests = 0
        /// 200s with the user's endpoints, delayed ones among them.
        public var found = 0
        /// 404s for users that there aren't.
        public var absent = 0
        /// 429s of the rate limit.
        public var throttled = 0
        /// 403s for want of a right signature.
        public var rejected = 0
        /// Faults drawn from the plan.
        public var faults = 0
        /// All other errors.
        public var errors = 0

        public init() {}
    }

    /// Starts a server and returns once it accepts connections.
    ///
    /// - Throws: an `IOError` or `SocketAddressError` where the address can't be bound.
    public static func start(_ configuration: Configuration) async throws -> RunningServer {
        try await RunningServer(configuration)
    }
}
