public import PipelineCore

/// What a run would do, found out without doing any of it.
public struct RunOutlook: Sendable {
    /// What becomes of which run.
    public enum Action: Sendable {
        /// - Parameter abandoning: unfinished runs that are given up for it.
        case begin(runID: String, abandoning: [String])
        /// - Parameters:
        ///   - consumed: records that it has read.
        ///   - ordinal: the first one that it hasn't.
        case resume(runID: String, consumed: Int, ordinal: Int, parked: Int)
        /// Everything is fetched; what waits is published.
        case publish(runID: String)
        case nothing(runID: String)
        /// It would end at once.
        case refusal(PipelineError)
    }

    /// The input, as far as it can be told without long reading.
    public enum Input: Sendable {
        /// Nil where it isn't cheap to count.
        case list(InputCount?)
        case archive(files: Int, leftOut: Int, bytes: UInt64)
    }

    /// A sink as the run would find it.
    public struct SinkOutlook: Sendable {
        public var name: String
        public var typeName: String
        public var target: String
        public var mode: WriteMode
        public var guarantee: String
        /// Nil where it can't be looked at.
        public var inspection: SinkInspection?
    }

    public var pipeline: String
    public var action: Action
    public var input: Input?
    /// Calls a second that are allowed; nil for an archive.
    public var allowedRate: Double?
    /// The limit that an earlier run has found, where it is lower.
    public var learnedRate: Double?
    public var limits: RunLimits
    public var sinks: [SinkOutlook]
    /// What can't be promised, as sentences.
    public var caveats: [String]

    public var exitCode: Int32 {
        if case .refusal(let error) = action { error.exitCode } else { ExitStatus.complete.number }
    }

    /// Records that are still to be read; nil where that isn't known.
    var remaining: Int? {
        guard case .list(let count?) = input else { return nil }
        switch action {
        case .begin: return count.records
        case .resume(_, let consumed, _, let parked): return max(0, count.records - consumed) + parked
        case .publish, .nothing: return 0
        case .refusal: return nil
        }
    }
}
