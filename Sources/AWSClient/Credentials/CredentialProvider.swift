public import AWSSigning

/// A source of credentials: a struct around one closure, so that a chain of sources is one as well.
public struct CredentialProvider: Sendable {
    private let source: @Sendable (_ rejected: SigningCredentials?) async throws -> SigningCredentials
    private let close: @Sendable () -> Void
    private let waiting: @Sendable () -> String?
    private let told: @Sendable () -> CredentialOrigin?

    /// - Parameters:
    ///   - close: ends what goes on in the background.
    ///   - hold: while callers wait because the source is away: for how long, and why.
    ///   - origin: which source gave the last ones.
    ///   - source: called for every attempt, so it must be cheap where nothing has changed. `rejected` are credentials
    ///     that the service called expired; a source that has no newer ones returns them again.
    public init(
        close: @escaping @Sendable () -> Void = {}, hold: @escaping @Sendable () -> String? = { nil },
        origin: @escaping @Sendable () -> CredentialOrigin? = { nil },
        _ source: @escaping @Sendable (_ rejected: SigningCredentials?) async throws -> SigningCredentials
    ) {
        self.source = source
        self.close = close
        waiting = hold
        told = origin
    }

    /// - Throws: `CredentialError`, `CancellationError`
    public func credentials(rejected: SigningCredentials? = nil) async throws -> SigningCredentials {
        try await source(rejected)
    }

    /// While callers wait because the source is away: for how long, and why. No secret in it.
    public var hold: String? { waiting() }

    /// Which source gave the last ones; nil where there are none yet, or no chain is asked.
    public var origin: CredentialOrigin? { told() }

    /// Ends what goes on in the background; no call follows.
    public func shutdown() { close() }

    /// Always the same.
    public static func fixed(_ credentials: SigningCredentials) -> CredentialProvider {
        CredentialProvider { _ in credentials }
    }

    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; blank is unset. Throws where it is used, not
    /// where it is made.
    public static func environment(_ environment: [String: String]) -> CredentialProvider {
        CredentialProvider { _ in
            guard let credentials = try EnvironmentCredentials.read(environment) else {
                throw CredentialError(
                    "no AWS credentials in the environment",
                    hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            }
            return credentials
        }
    }

    /// The chain that all AWS tools share: environment, profile, web identity, container, instance metadata. A profile
    /// that the settings were given as an option wins over the environment.
    ///
    /// What expires is renewed ahead of time, in the background, once for all callers.
    ///
    /// - Parameters:
    ///   - region: where roles are assumed; nil: what the settings say.
    ///   - outage: seconds that callers wait for a source that was there and is away.
    ///   - warn: takes a warning for the log; no secret in it.
    public static func chain(
        settings: ClientSettings, region: String? = nil, connections: ConnectionSettings = .direct,
        userAgent: String, outage: Double = 900, warn: @escaping @Sendable (String) -> Void
    ) -> CredentialProvider {
        let transport = CredentialTransport.network(connections, userAgent: userAgent)
        let chain = CredentialChain(settings: settings, region: region, transport: transport, warn: warn)
        return refreshing(patience: CredentialPatience(outage: outage), warn: warn) { try await chain.load() }
    }

    /// Renews what a source gives ahead of its expiry.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - patience: how long callers wait for a source that is away.
    package static func refreshing(
        now: @escaping @Sendable () -> Double = { Double(WallClock.unixSeconds) },
        patience: CredentialPatience = .none,
        warn: @escaping @Sendable (String) -> Void,
        _ load: @escaping @Sendable () async throws -> LoadedCredentials
    ) -> CredentialProvider {
        let cache = RefreshingCredentials(now: now, patience: patience, warn: warn, load: load)
        return CredentialProvider(close: { cache.shutdown() }, hold: { cache.hold }, origin: { cache.origin }) {
            rejected in
            try await cache.credentials(rejected: rejected)
        }
    }
}
