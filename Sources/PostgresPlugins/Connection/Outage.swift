internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A server that is away: how long it has been, and how long the next attempt waits.
struct Outage {
    private let start = ContinuousClock.now
    private let limit: Duration
    private var attempts = 0

    init(limit: Duration) { self.limit = limit }

    /// Waits before the next attempt: 50 ms doubled each time, at most 5 s, half of it random so that many clients of one
    /// server don't come back at once.
    ///
    /// - Returns: false where the outage has lasted longer than its limit, or the task is cancelled.
    mutating func wait() -> Bool {
        let waited = ContinuousClock.now - start
        guard waited < limit, !Task.isCancelled else { return false }
        let cap = min(5.0, 0.05 * Double(1 << min(attempts, 10)))
        attempts += 1
        let delay = Duration.seconds(Double.random(in: cap / 2...cap))
        let end = ContinuousClock.now + min(delay, limit - waited)
        while ContinuousClock.now < end, !Task.isCancelled { Pause.sleep(min(.milliseconds(100), end - .now)) }
        return !Task.isCancelled
    }
}

/// Waiting on a sink's own executor, where nobody else waits behind it.
enum Pause {
    static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        nanosleep(&time, nil)
    }
}
