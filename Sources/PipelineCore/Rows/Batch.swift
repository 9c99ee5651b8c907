/// The rows of consecutive ordinals, and the checkpoint that covers them. The unit of commit.
public struct Batch: Sendable {
    /// The number that the sink's checkpoint has once this batch is committed.
    public var commitNumber: Int
    /// One buffer for each table, in the layout's order.
    public var tables: [RowBuffer]
    /// What this batch adds to the run's counts. `removed`, `previousEndpoints` and `superseded` are the sink's to
    /// count.
    public var counts: RunCounts
    /// How far the run has come with this batch.
    public var progress: RunProgress
    /// Ordinals whose rows of `failures` go when this batch is committed: it amends a run that has ended, with records that
    /// were fetched again. Its counts are what the run's change by. Empty for all other batches.
    public var amends: [Int] = []

    public init(commitNumber: Int, tables: [RowBuffer], counts: RunCounts, progress: RunProgress) {
        self.commitNumber = commitNumber
        self.tables = tables
        self.counts = counts
        self.progress = progress
    }
}
