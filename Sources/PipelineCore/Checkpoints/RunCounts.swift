/// What a run has done so far. The account balances: `records == found + absent + failed`, parked users and other shards'
/// records aside.
public struct RunCounts: Sendable, Hashable {
    public var found = 0
    public var absent = 0
    public var failed = 0
    /// Failed records of them that held no usable ID, so that nobody could be asked for them.
    public var invalid = 0
    /// Endpoints that were written.
    public var endpoints = 0
    /// Endpoints that a later row of the same run replaced.
    public var superseded = 0
    /// Endpoints that the store had before and that their users no longer have.
    public var removed = 0
    /// Endpoints that the store had before for the users fetched so far: what `removed` is a share of.
    public var previousEndpoints = 0
    /// Records that the sink refused because of their content.
    public var refused = 0
    /// Endpoints that filters took out.
    public var filtered = 0
    /// Values for columns of numbers that aren't numbers: `extra` holds them.
    public var notNumbers = 0
    /// Records that belong to other shards.
    public var elsewhere = 0
    /// Rows written, by table.
    public var rows: [String: Int] = [:]

    public init() {}

    /// Records with an outcome.
    public var records: Int { found + absent + failed }

    public static func += (left: inout RunCounts, right: RunCounts) {
        left.found += right.found
        left.absent += right.absent
        left.failed += right.failed
        left.invalid += right.invalid
        left.endpoints += right.endpoints
        left.superseded += right.superseded
        left.removed += right.removed
        left.previousEndpoints += right.previousEndpoints
        left.refused += right.refused
        left.filtered += right.filtered
        left.notNumbers += right.notNumbers
        left.elsewhere += right.elsewhere
        left.rows.merge(right.rows, uniquingKeysWith: +)
    }
}
