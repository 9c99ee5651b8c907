/// What a client has done so far.
public struct AttemptStatistics: Sendable, Hashable {
    /// Attempts sent, retries included.
    public internal(set) var requests = 0
    public internal(set) var retries = 0
    public internal(set) var throttled = 0
    /// A moving average over about 50 answers, in seconds; nil before the first one.
    public internal(set) var latency: Double?
    /// Attempts per second that may go out now.
    public internal(set) var allowedRate = 0.0
    /// The service's limit as far as it was learned, per second.
    public internal(set) var learnedRate: Double?
    /// Why nothing moves, in words.
    public internal(set) var hold: String?
    /// What the last attempt without an answer met, in words.
    public internal(set) var lastFailure: String?

    mutating func note(_ attempt: AttemptResult, latency seconds: Double) {
        if attempt == .throttled { throttled += 1 }
        guard attempt == .succeeded || attempt == .unusable else { return }
        latency = latency.map { $0 + (seconds - $0) / 50 } ?? seconds
    }
}
