internal import Flattening
public import PipelineCore

/// What a run has done. Counts and rows are the run's; requests and times are
/// this process's.
public struct RunSummary: Sendable {
    public struct SinkSummary: Sendable {
        public var name: String
        public var type: String
        public var target: String
        public var mode: WriteMode
        public var nextOrdinal: Int
        /// Records that are committed, other shards' among them.
        public var consumed: Int
        public var state: RunState
        public var counts: RunCounts

        var identity: ReportedSink { ReportedSink(name: name, type: type, target: target, mode: mode) }
    }

    public var runID: String
    public var logicalDate: String
    public var state: RunState
    /// When the run began, in whatever process.
    public var startedAt: String
    /// When it ended, or this process ended with it.
    public var finishedAt: String
    /// The first sink's.
    public var counts: RunCounts
    public var statistics: LookupStatistics
    public var elapsed: Duration
    /// Records that got their outcome in this process.
    public var processed: Int
    /// How far the run was when this process took it up; nil where it began it.
    public var resumedFrom: RunProgress?
    public var sinks: [SinkSummary]
    /// What a retry did, or a run that asked again for its failures; nil for any other run.
    public var retried: RetryCounts?
    /// Why it isn't a success though it came to its end, and what helps; nil where it is one, or didn't.
    public var shortcoming: String?

    var elapsedSeconds: Double {
        Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    }

    /// To the millisecond.
    var roundedElapsedSeconds: Double { Self.rounded(elapsedSeconds) }

    var recordsPerSecond: Double { elapsedSeconds > 0 ? Double(processed) / elapsedSeconds : 0 }

    /// To the third place after the point.
    static func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }
}

extension RunState {
    /// As a summary tells it. Whoever reads one finds the run's lock free, so none is under way any more.
    var toldText: String { self == .running ? StoredRunGroup.interrupted : rawValue }
}

extension RunPlan {
    /// Counts for a summary: tables without rows are told of as well.
    func withAllTables(_ counts: RunCounts) -> RunCounts {
        var counts = counts
        for table in sinks.first?.layout.tables ?? [] { counts.rows[table.name, default: 0] += 0 }
        return counts
    }
}
