/// How much of a list of users has been read, for a display.
package struct InputShare {
    /// Parked users come again at the end, with the places at which they stand.
    private var furthest: UInt64 = 0

    package init() {}

    /// - Parameters:
    ///   - offset: Where the last record ends.
    ///   - size: What offsets count up to; nil where that isn't known.
    /// - Returns: From 0 to 1; nil where it isn't known.
    package mutating func read(to offset: UInt64, of size: UInt64?) -> Double? {
        furthest = max(furthest, offset)
        guard let size, size > 0, furthest > 0 else { return nil }
        return min(1, Double(furthest) / Double(size))
    }
}
