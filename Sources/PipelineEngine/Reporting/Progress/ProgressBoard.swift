public import PipelineCore
internal import Synchronization

/// How a run stands at the moment, for a display that looks now and then.
public final class ProgressBoard: Sendable {
    public struct Reading: Sendable {
        public var runID = ""
        /// Records that got their outcome, in this run.
        public var records = 0
        /// Records of them that got it in this process.
        public var processed = 0
        public var failed = 0
        /// What the records that failed in this process failed with.
        public var failureCodes: [String: Int] = [:]
        public var absent = 0
        public var parked = 0
        /// Of the input, from 0 to 1; nil where its size isn't known.
        public var fraction: Double?
        public var statistics = LookupStatistics()

        package init() {}
    }

    private let reading = Mutex(Reading())
    private let statistics = Mutex<(@Sendable () -> LookupStatistics)?>(nil)

    public init() {}

    public var current: Reading {
        var result = reading.withLock { $0 }
        if let take = statistics.withLock({ $0 }) { result.statistics = take() }
        return result
    }

    func update(_ change: (inout Reading) -> Void) { reading.withLock { change(&$0) } }

    func watch(_ lookup: any UserLookup) { statistics.withLock { $0 = { lookup.statistics } } }
}
