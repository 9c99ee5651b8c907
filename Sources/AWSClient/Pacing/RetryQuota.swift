/// The retry quota of the SDKs' retry behaviour 2.1: 500 tokens; a retry costs 14, after throttling 5.
///
/// An SDK fails a call that finds it empty. A batch export has time, so here the retry waits; one a second passes even
/// then, or a quota that only successes refill could stay empty for ever.
package struct RetryQuota: Sendable {
    package static let capacity = 500
    package static let retryCost = 14
    package static let throttlingCost = 5

    package private(set) var tokens: Int
    private var lastUnpaid = -Double.infinity

    package init(tokens: Int = Self.capacity) { self.tokens = tokens }

    /// Takes what a retry costs. Nil: wait until `nextUnpaid`, or until somebody gives back.
    ///
    /// - Returns: what was paid; 0 for the one that passes each second with the quota empty.
    package mutating func take(_ cost: Int, now: Double) -> Int? {
        if tokens >= cost {
            tokens -= cost
            return cost
        }
        guard now >= nextUnpaid else { return nil }
        lastUnpaid = now
        return 0
    }

    /// When the next retry passes without paying.
    package var nextUnpaid: Double { lastUnpaid + 1 }

    /// A success gives back what its last retry paid; one at the first try gives 1.
    package mutating func succeeded(paid: Int?) {
        tokens = min(Self.capacity, tokens + max(1, paid ?? 1))
    }
}
