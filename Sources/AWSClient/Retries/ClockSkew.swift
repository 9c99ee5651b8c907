internal import AWSSigning
internal import Synchronization

/// How far the service's clock is ahead of this machine's, as far as it matters for signatures.
final class ClockSkew: Sendable {
    /// The services tolerate 5 min; beyond 4 the clock is to blame.
    static let tolerated = 240

    struct Correction: Sendable {
        /// Positive where the service's clock is ahead.
        let seconds: Int
        /// False where another call has learned the same.
        let isNews: Bool
    }

    private let known = Mutex(0)

    /// Added to this machine's clock in every signature; negative where this machine's clock is ahead.
    var seconds: Int { known.withLock { $0 } }
    /// The service's clock as far as it is known, in seconds since 1970.
    var unixNow: Int { WallClock.unixSeconds + seconds }

    /// Learns from the `Date` of an answer that refused a signature.
    ///
    /// - Parameter skew: what the refused signature was corrected by. Calls of one flight were all signed with the same
    ///   wrong clock: each is mended, the first one tells.
    /// - Returns: nil where the date isn't one, or that signature's clock was right.
    func learn(date: String, signedWith skew: Int) -> Correction? {
        guard let server = HTTPDate.unixSeconds(date) else { return nil }
        let seconds = server - WallClock.unixSeconds
        guard abs(seconds - skew) > Self.tolerated else { return nil }
        let isNews = known.withLock { known in
            defer { known = seconds }
            return abs(seconds - known) > Self.tolerated
        }
        return Correction(seconds: seconds, isNews: isNews)
    }
}

/// What a call does about refused signatures: each remedy is tried once.
struct Mending: Sendable {
    /// What the last attempt was signed with.
    private(set) var key: SigningCredentials?
    /// What the last attempt's date was corrected by, in seconds.
    private(set) var clockSkew = 0
    var mendedClock = false
    /// Credentials that the service calls expired.
    var rejected: SigningCredentials?

    /// Every attempt is signed anew.
    mutating func use(_ key: SigningCredentials, clockSkew: Int) {
        self.key = key
        self.clockSkew = clockSkew
    }
}
