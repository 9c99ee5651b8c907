/// The state of a run, as `sluice_runs` spells it.
public enum RunState: String, Sendable, Hashable, CaseIterable {
    case running
    /// Everything is fetched, but more users failed than `accept_failed` lets pass into a `replace`.
    case unpublished
    case complete
    /// Complete, but the command that was to be told of it has failed: the next call repeats that alone.
    case notHandedOver = "published, not handed over"
    /// Given up by `--fresh` or because its input changed.
    case abandoned

    /// Every record has its outcome, and readers see the run's rows.
    public var isPublished: Bool { self == .complete || self == .notHandedOver }
}

/// One execution, over as many process lives as it takes: a row of `sluice_runs`.
public struct RunRecord: Sendable, Hashable {
    /// `nightly-20261123T000000Z`
    public var runID: String
    public var state: RunState
    /// UTC text with three decimals.
    public var logicalDate: String
    public var startedAt: String
    public var finishedAt: String?
    public var counts: RunCounts
    /// The program's version.
    public var version: String
    /// Of an archive: lower-case hex of SHA-256 over the names and sizes of its files.
    public var listingHash: String?
    /// How rate, latency, throttling and outages went over the run, as JSON of at most 2 KiB.
    public var timeline: String?

    /// Whether two sinks speak of the same execution: a complete run that is done again keeps its ID, but not its start.
    public func isSameExecution(as other: RunRecord) -> Bool {
        runID == other.runID && startedAt == other.startedAt
    }

    public init(
        runID: String, state: RunState, logicalDate: String, startedAt: String, finishedAt: String? = nil,
        counts: RunCounts = RunCounts(), version: String, listingHash: String? = nil, timeline: String? = nil
    ) {
        self.runID = runID
        self.state = state
        self.logicalDate = logicalDate
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.counts = counts
        self.version = version
        self.listingHash = listingHash
        self.timeline = timeline
    }
}
