/// What all rows of a run share.
public struct RowContext: Sendable, Hashable {
    /// `nightly-20261123T000000Z`; nil where rows belong to no run.
    public var runID: String?
    /// UTC text with exactly three decimals, `2026-11-23T00:00:00.000Z`; nil where rows belong to no date.
    public var logicalDate: String?
    /// From 0; 0 where the run isn't sharded.
    public var shard: Int

    /// - Precondition: `logicalDate` has 24 bytes.
    public init(runID: String?, logicalDate: String?, shard: Int = 0) {
        precondition(logicalDate.map { $0.utf8.count == 24 } ?? true, "a time has 24 bytes")
        self.runID = runID
        self.logicalDate = logicalDate
        self.shard = shard
    }
}
