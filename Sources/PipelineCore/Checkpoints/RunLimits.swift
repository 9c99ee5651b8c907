/// What may go wrong before a run is stopped, or is no longer called good.
public struct RunLimits: Sendable, Hashable {
    /// Failed records, of the records read so far.
    public var maxFailed: ShareOrCount = .share(0.01)
    /// Failed records with which a complete run still exits with 0.
    public var acceptFailed: ShareOrCount = .count(0)
    /// Records without a usable ID that count as no failures when a complete run is judged.
    public var acceptInvalid: ShareOrCount = .count(0)
    /// Absent users, of the records read so far.
    public var maxAbsent: ShareOrCount = .share(0.95)
    /// Removed endpoints, of those that the users fetched so far had before.
    public var maxRemoved: ShareOrCount = .share(0.2)
    /// Fewer records than this are taken for a broken input.
    public var minRecords = 1

    public init() {}

    /// Whether a complete run with these counts passes for a good one, as far as failed records go.
    ///
    /// Records without a usable ID are counted apart as far as they are accepted; beyond that they are failures like others.
    public func accepts(_ counts: RunCounts) -> Bool {
        let apart = min(counts.invalid, acceptInvalid.largest(of: counts.records))
        return counts.failed - apart <= acceptFailed.largest(of: counts.records)
    }

    /// Whether a `replace` with these counts may be published. Its content is this run alone, so whoever stands in the list
    /// with a broken ID would be gone from it: that must have been accepted as such.
    ///
    /// - Parameter ofList: The records are a list's. An archive's hold endpoints, and no list of IDs that one could miss.
    public func publishes(_ counts: RunCounts, ofList: Bool) -> Bool {
        accepts(counts) && (!ofList || acceptsInvalid(counts))
    }

    /// Whether there are no more records without a usable ID than are accepted.
    public func acceptsInvalid(_ counts: RunCounts) -> Bool {
        counts.invalid <= acceptInvalid.largest(of: counts.records)
    }
}

extension ShareOrCount {
    /// The highest number of cases among `records` that isn't beyond it.
    fileprivate func largest(of records: Int) -> Int {
        switch self {
        case .count(let count): count
        case .share(let share): Int((share * Double(records)).rounded(.down))
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
