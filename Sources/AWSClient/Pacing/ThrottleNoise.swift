/// Tells a limit from answers that are throttled at random: by a proxy, by another limiter, by a server under test.
///
/// A limit that is undercut stops throttling, and what is measured near it stays about the same. So where the measure
/// falls and falls, a little with each cut, while few requests in a hundred are refused, cutting doesn't help. From then
/// on, for some minutes, only more than that share counts (a cumulative sum of the excess, which forgets what is as
/// expected). A limit that falls slowly looks alike; then the excess shows it. Pure; times in monotonic seconds.
struct ThrottleNoise: Sendable {
    /// Cuts in a row, each to a little less than the one before.
    private struct Row: Sendable {
        var cuts = 1
        /// The limit as the first of them measured it, and the last.
        var first: Double
        var last: Double
        var since: Double
        var answers = 0
        var throttled = 0

        init(_ measured: Double, now: Double) { (first, last, since) = (measured, measured, now) }
    }

    /// The share that is refused whatever the rate; nil while that isn't known to happen.
    private(set) var share: Double?
    private var foundAt = 0.0
    private var row: Row?
    private var excess = 0.0

    /// Notes an answer.
    ///
    /// - Returns: true where it speaks of a limit.
    mutating func isTelling(isThrottled: Bool, now: Double) -> Bool {
        row?.answers += 1
        if isThrottled { row?.throttled += 1 }
        guard let known = share else { return isThrottled }
        guard now - foundAt < Self.memory else {
            self = ThrottleNoise()
            return isThrottled
        }
        excess = max(0, excess + (isThrottled ? 1 : 0) - known - max(known, Self.leastMargin))
        guard isThrottled, excess >= Self.tellingExcess else { return false }
        excess = 0
        return true
    }

    /// Notes that the rate is cut, because the limit was measured.
    ///
    /// - Parameter isHeavy: So many answers were throttled that a limit was passed for certain.
    /// - Returns: the limit to go back to, where the cuts turn out to have been in vain.
    mutating func cut(to measured: Double, isHeavy: Bool, now: Double) -> Double? {
        guard share == nil, var row, !isHeavy, measured < row.first, measured > Self.steep * row.last,
            now - row.since < Self.longestRow
        else {
            row = share == nil ? Row(measured, now: now) : nil
            return nil
        }
        row.cuts += 1
        row.last = measured
        self.row = row
        let found = Double(row.throttled) / Double(max(1, row.answers))
        guard row.cuts >= Self.vainCuts, measured < Self.farBelow * row.first, found >= Self.leastShare else {
            return nil
        }
        self.row = nil
        foundAt = now
        excess = 0
        share = found
        return row.first
    }

    private static let vainCuts = 4
    /// After them the measure must be so far below what it was at first …
    private static let farBelow = 0.85
    /// … but a single one that lowers it so far isn't chance.
    private static let steep = 0.85
    private static let longestRow = 120.0
    /// Less than that costs little.
    private static let leastShare = 0.002
    /// With 5 % at random, an excess of 10 above 10 % comes about once in a million answers.
    private static let leastMargin = 0.005
    private static let tellingExcess = 10.0
    private static let memory = 300.0
}
