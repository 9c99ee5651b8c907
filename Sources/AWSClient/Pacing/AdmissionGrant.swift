/// What became of a call that waited.
package enum AdmissionGrant: Sendable, Hashable {
    /// An attempt may go out.
    case admitted
    /// A retry may be prepared; it paid this much of the quota.
    case quota(paid: Int)
    /// The waiter's own time is up.
    case expired
    /// Nothing goes out any more.
    case ended
}

/// Why no attempt goes out any more.
package enum AdmissionEnd: Sendable, Hashable {
    /// The outage has lasted too long.
    case away
    /// The service was never reached, and waiting won't help.
    case unreachable
    /// Everybody was throttled for too long.
    case throttled
}

/// How an attempt ended.
package enum AttemptResult: Sendable, Hashable {
    /// With a final answer.
    case succeeded
    /// With an answer that is no use.
    case unusable
    case throttled
    case failed(Circuit.Failure)
}
