package import AWSSigning

/// When credentials are renewed, and what callers get meanwhile. Pure; the clock is the caller's, in seconds since 1970.
package struct RefreshSchedule: Sendable {
    /// What a caller does.
    package enum Action: Sendable, Hashable {
        /// Use these; `andRefresh`: start a refresh first, and don't wait for it.
        case use(SigningCredentials, andRefresh: Bool)
        /// Wait for a refresh; `start`: it must be started first.
        case wait(start: Bool)
    }

    private var current: LoadedCredentials?
    /// Not before this time.
    private var refreshAt = -Double.infinity
    private var isRefreshing = false
    private var window = 0.0
    /// The service called the current ones expired: nobody gets them again.
    private var isRejected = false

    package init() {}

    /// True once there have been credentials.
    package var hasCredentials: Bool { current != nil }

    /// What a caller gets who asks for credentials.
    ///
    /// - Parameter rejected: credentials that the service called expired.
    package mutating func ask(rejected: SigningCredentials?, now: Double) -> Action {
        if let current, rejected == current.credentials { isRejected = true }
        guard let current, !isRejected else { return wait() }
        guard now >= refreshAt else { return .use(current.credentials, andRefresh: false) }
        if let expiration = current.expiration, now >= expiration { return wait() }
        defer { isRefreshing = true }
        return .use(current.credentials, andRefresh: !isRefreshing)
    }

    private mutating func wait() -> Action {
        defer { isRefreshing = true }
        return .wait(start: !isRefreshing)
    }

    package mutating func succeeded(_ loaded: LoadedCredentials, now: Double) {
        isRefreshing = false
        isRejected = false
        current = loaded
        guard let expiration = loaded.expiration else {
            refreshAt = .infinity
            return
        }
        let lifetime = expiration - now
        window = Self.window(lifetime: lifetime)
        // Credentials that are handed out expired, or with this machine's clock ahead, seem so: the service decides, and
        // their source isn't asked for every call.
        refreshAt = lifetime > 0 ? expiration - window : now + 60
    }

    /// Returns the credentials to go on with; nil where the failure is what callers get.
    package mutating func failed(isTemporary: Bool, now: Double) -> SigningCredentials? {
        isRefreshing = false
        guard let current, !isRejected else { return nil }
        let isAlive = current.expiration.map { now < $0 } ?? true
        // With the source away, whether credentials are expired is for the service to say.
        guard isAlive || isTemporary else { return nil }
        refreshAt = now + min(60, max(1, window / 5))
        return current.credentials
    }

    /// After a failure, the same refresh goes on.
    package mutating func goesOn() { isRefreshing = true }

    /// Seconds ahead of the expiry: 5, 15 or 60 min for lifetimes up to 20 min, below 90 min, and longer; at most half of
    /// the lifetime.
    package static func window(lifetime: Double) -> Double {
        let minutes: Double = lifetime <= 20 * 60 ? 5 : lifetime < 90 * 60 ? 15 : 60
        return max(0, min(minutes * 60, lifetime / 2))
    }
}
