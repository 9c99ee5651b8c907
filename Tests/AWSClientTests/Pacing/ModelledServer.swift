/// A service that refuses what is too much, in one of the ways that services do. Times in seconds.
struct ModelledServer {
    enum Limiter: Hashable, CustomStringConvertible {
        /// A token bucket that refills with the limit and holds this many.
        case bucket(burst: Double)
        /// So many as the limit says in each second, counted from its start.
        case fixedWindow

        var description: String {
            switch self {
            case .bucket(let burst): "a bucket of \(Int(burst))"
            case .fixedWindow: "a fixed window"
            }
        }
    }

    var limiter = Limiter.bucket(burst: 300)
    /// Requests per second.
    var limit = 300.0
    /// Later limits: from which second on, and how much.
    var changes: [(from: Double, limit: Double)] = []
    /// Share of the requests that are refused whatever the rate.
    var randomlyThrottled = 0.0
    /// Somebody else's requests per second within a span of time: they count like ours, and don't give way.
    var stranger: (rate: Double, from: Double, until: Double) = (0, 0, 0)

    private var tokens: Double?
    private var updated = 0.0
    private var window = -1.0

    func limit(at time: Double) -> Double { changes.last { $0.from <= time }?.limit ?? limit }

    /// Judges a request that arrives; arrivals come in order.
    mutating func accepts(at now: Double, random: inout SplitMix) -> Bool {
        var left = tokens ?? capacity(now)
        switch limiter {
        case .bucket(let burst):
            // In small steps, because limit and stranger change in between.
            while updated < now {
                let step = min(now - updated, 0.01)
                left = max(0, min(burst, left + step * (limit(at: updated) - strangerRate(at: updated))))
                updated += step
                if now - updated < 1e-12 { updated = now }
            }
        case .fixedWindow:
            if now.rounded(.down) != window {
                window = now.rounded(.down)
                left = limit(at: now) - strangerRate(at: now)
            }
        }
        let accepted = left >= 1 && (randomlyThrottled == 0 || random.unit() >= randomlyThrottled)
        if accepted { left -= 1 }
        tokens = left
        return accepted
    }

    private func capacity(_ now: Double) -> Double {
        if case .bucket(let burst) = limiter { burst } else { limit(at: now) }
    }

    private func strangerRate(at time: Double) -> Double {
        stranger.from <= time && time < stranger.until ? stranger.rate : 0
    }
}
