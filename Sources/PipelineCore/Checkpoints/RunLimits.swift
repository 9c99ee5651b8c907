/// What may go wrong before a run is stopped, or is no longer called good.
public struct RunLimits: Sendable, Hashable {
    /// Failed records, of the records read so far.
    public var maxFailed: ShareOrCount = .share(0.01)
    /// Failed records with which a complete run still exits with 0.
    public var acceptFailed: ShareOrCount = .count(0)
    /// Absent users, of the records read so far.
    public var maxAbsent: ShareOrCount = .share(0.95)
    /// Removed endpoints, of those that the users fetched so far had before.
    public var maxRemoved: ShareOrCount = .share(0.2)
    /// Fewer records than this are taken for a broken input.
    public var minRecords = 1

    public init() {}

    /// Whether a complete run with these counts passes for a good one, as far as failed records go.
    public func accepts(_ counts: RunCounts) -> Bool {
        switch acceptFailed {
        case .count(let count): counts.failed <= count
        case .share(let share): Double(counts.failed) <= share * Double(counts.records)
        }
    }
}

/// What to do when the input no longer begins with what a run has consumed.
public enum ChangedInputPolicy: String, Sendable, Hashable, CaseIterable {
    /// Stop; the run stays as it is.
    case refuse
    /// Mark the run abandoned and begin a new one.
    case restart
}
