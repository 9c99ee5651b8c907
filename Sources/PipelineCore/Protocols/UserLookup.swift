internal import Synchronization

/// ID → outcome. Retries, rate, circuit and their state are inside.
public protocol UserLookup: Sendable {
    /// The application that is asked.
    var applicationID: String { get }

    /// Looks one user up; suspends as long as tokens, retries and an outage take.
    ///
    /// Safe to call from many tasks at once. Cancelling the task ends the call with `CancellationError`.
    ///
    /// - Throws: `PipelineError` for what must stop the whole run (credentials, an unknown application, an outage that
    ///   lasts). What concerns this user alone is an `Outcome.failed`.
    func lookUp(_ userID: String, call: LookupCall) async throws -> Outcome

    /// Looks at what calls need before one is sent, such as credentials.
    ///
    /// - Throws: `PipelineError` with which the first call would end the run.
    func check() async throws -> [CheckFinding]
    /// True while an open circuit or a Retry-After holds all calls: then nobody is parked.
    var isHeld: Bool { get }
    /// True while this user's failure may still turn out to be everybody's: it is one of a row of answers that aren't the
    /// service's own, which no other answer has ended. Meanwhile it isn't committed.
    func isInDoubt(_ userID: String) -> Bool
    /// A snapshot for progress and summary.
    var statistics: LookupStatistics { get }
    /// What was learned (the rate limit), as JSON, for the next process or run; nil where there is nothing.
    var state: String? { get }
    /// Takes what an earlier process or run learned; text that it can't read is ignored.
    func restore(state: String)
    /// Closes connections; no call follows.
    func shutdown() async
}

extension UserLookup {
    public func isInDoubt(_ userID: String) -> Bool { false }
    public func check() async throws -> [CheckFinding] { [] }
}

/// What the engine watches of one call while it is under way.
public final class LookupCall: Sendable {
    private struct Sent {
        var first: ContinuousClock.Instant?
        var attempts = 0
        var throttled = 0
    }

    private let sent = Mutex(Sent())
    /// The user is one of those at the end: waits for throttling count against its deadline, so that one who is throttled
    /// for ever can't hold the run.
    public let isAmongTheLast: Bool

    public init(isAmongTheLast: Bool = false) { self.isAmongTheLast = isAmongTheLast }

    /// When the first attempt was sent; nil while it waits for its first token.
    public var firstSent: ContinuousClock.Instant? { sent.withLock { $0.first } }
    /// Attempts sent so far.
    public var attempts: Int { sent.withLock { $0.attempts } }

    /// The lookup notes that an attempt goes out now.
    public func markSent(at instant: ContinuousClock.Instant = .now) {
        sent.withLock { sent in
            if sent.first == nil { sent.first = instant }
            sent.attempts += 1
        }
    }

    /// Answers so far that said "too many requests".
    public var throttled: Int { sent.withLock { $0.throttled } }

    /// The lookup notes such an answer.
    public func markThrottled() { sent.withLock { $0.throttled += 1 } }
}

/// What a lookup has done in this process.
public struct LookupStatistics: Sendable, Hashable {
    /// Attempts sent, retries included.
    public var requests = 0
    public var retries = 0
    /// Answers that said "too many requests".
    public var throttled = 0
    /// The rate that is allowed at the moment, per second; nil without a limit.
    public var allowedRate: Double?
    /// The service's own limit, per second, as far as it was found; nil where nothing was throttled.
    public var foundRate: Double?
    /// A moving average of an attempt's latency, in seconds.
    public var latency: Double?
    /// What all calls wait for (an open circuit, a Retry-After, credentials), in words that follow "waiting: ", for the
    /// progress display.
    public var hold: String?

    public init() {}
}
