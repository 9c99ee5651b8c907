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
        /// What is waited for at the moment, in words; nil where nothing is.
        public var waiting: String?

        package init() {}
    }

    /// What one part of the program waits for.
    private struct Wait {
        var reason: String
        var since: ContinuousClock.Instant
    }

    /// A wait is told once it is as long as this: shorter ones are how things go.
    private static let tellingWait = Duration.seconds(1)

    private let reading = Mutex(Reading())
    private let statistics = Mutex<(@Sendable () -> LookupStatistics)?>(nil)
    /// By who waits.
    private let waits = Mutex<[String: Wait]>([:])

    public init() {}

    public var current: Reading {
        var result = reading.withLock { $0 }
        if let take = statistics.withLock({ $0 }) { result.statistics = take() }
        let told = ([result.statistics.hold] + waited(at: .now)).compactMap { $0 }
        result.waiting = told.isEmpty ? nil : told.joined(separator: "; ")
        return result
    }

    /// Notes what somebody waits for from now on; nil where nothing is waited for any more.
    ///
    /// - Parameter subject: Who waits, for a person: `sink 'warehouse'`.
    package func note(waitOf subject: String, for reason: String?) {
        waits.withLock { waits in
            guard let reason else {
                waits[subject] = nil
                return
            }
            waits[subject] = Wait(reason: reason, since: waits[subject]?.since ?? .now)
        }
    }

    /// Notes a wait for as long as something takes.
    func waiting<Output>(_ subject: String, for reason: String, _ body: () async throws -> Output) async rethrows
        -> Output
    {
        note(waitOf: subject, for: reason)
        defer { note(waitOf: subject, for: nil) }
        return try await body()
    }

    private func waited(at now: ContinuousClock.Instant) -> [String] {
        let waits = waits.withLock { $0 }.filter { now - $0.value.since >= Self.tellingWait }
        return waits.sorted { $0.value.since < $1.value.since }.map { subject, wait in
            "\(subject): \(wait.reason), for \((now - wait.since).components.seconds) s"
        }
    }

    func update(_ change: (inout Reading) -> Void) { reading.withLock { change(&$0) } }

    func watch(_ lookup: any UserLookup) { statistics.withLock { $0 = { lookup.statistics } } }
}
