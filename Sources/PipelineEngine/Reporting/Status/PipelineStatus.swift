internal import Flattening
public import PipelineCore

/// How a pipeline stands, as its sinks tell; nothing else is asked.
public struct PipelineStatus: Sendable {
    public var pipeline: String
    public var checkedAt: Timestamp
    /// In the configuration's order.
    public var sinks: [SinkStatus]
    /// The age that a complete run must be below.
    public var maxAge: Duration?

    /// 0; 65 where `maxAge` is given and a sink has no complete run that is younger; else the code of the first sink that
    /// couldn't be looked at.
    public var exitCode: Int32 {
        if let error = sinks.lazy.compactMap({ $0.error }).first { return error.exitCode }
        return isFresh == false ? PipelineError.Kind.incomplete.rawValue : 0
    }

    /// Whether every sink has a complete run that is younger than asked for; nil where nothing was asked.
    public var isFresh: Bool? { maxAge.map { age in sinks.allSatisfy { isFresh($0, age) } } }

    func isFresh(_ sink: SinkStatus, _ maxAge: Duration) -> Bool {
        guard let run = sink.lastComplete, let age = age(run) else { return false }
        return age < maxAge
    }

    /// The time since a run ended; of one that hasn't, since it began.
    func age(_ run: StoredRunGroup) -> Duration? {
        guard let time = Timestamp.milliseconds(of: run.finishedAt ?? run.startedAt) else { return nil }
        return .milliseconds(checkedAt.milliseconds - time)
    }
}

extension Timestamp {
    /// A time as the tables have it, with its fraction.
    static func milliseconds(of text: String) -> Int64? {
        let whole = text.prefix(19)
        guard let date = Timestamp("\(whole)Z"), text.utf8.count == 24,
            let fraction = Int64(text.dropFirst(20).prefix(3))
        else { return nil }
        return date.milliseconds + fraction
    }
}

/// How one sink stands.
public struct SinkStatus: Sendable {
    public var name: String
    public var type: String
    public var target: String
    public var mode: WriteMode
    /// Why it couldn't be looked at.
    public var error: PipelineError?
    /// In the order in which they began.
    package var runs: [StoredRunGroup] = []

    package var last: StoredRunGroup? { runs.last }
    package var lastComplete: StoredRunGroup? { runs.last { $0.state.isPublished } }
}

extension RunPlan {
    /// Looks at every sink, all at the same time.
    public func status(maxAge: Duration? = nil) async -> PipelineStatus {
        await status(maxAge: maxAge, now: .now)
    }

    package func status(maxAge: Duration?, now: Timestamp) async -> PipelineStatus {
        PipelineStatus(
            pipeline: pipeline, checkedAt: now, sinks: await forEachSink { await status(of: $0) }, maxAge: maxAge)
    }

    /// Does the same with every sink, at the same time.
    ///
    /// - Returns: What came of it, in the sinks' order.
    func forEachSink<Output: Sendable>(_ body: @escaping @Sendable (PlannedSink) async -> Output) async -> [Output] {
        await withTaskGroup(of: (Int, Output).self) { group in
            for (index, planned) in sinks.enumerated() { group.addTask { (index, await body(planned)) } }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// - Parameter more: What else is read in the same look at the store.
    func status(
        of planned: PlannedSink, more: (any SinkReader, SinkStatus) async throws -> Void = { _, _ in }
    ) async -> SinkStatus {
        let sink = planned.sink
        var status = SinkStatus(name: sink.name, type: sink.typeName, target: sink.target, mode: sink.mode)
        do {
            let reader = try await sink.openForReading(
                SinkReadingContext(pipeline: pipeline, tables: planned.layout.tables))
            do {
                status.runs = StoredRunGroup.groups(of: try await reader.runs().runs)
                try await checkKeptInput(of: status.runs)
                try await more(reader, status)
            } catch {
                await reader.close()
                throw error
            }
            await reader.close()
        } catch { status.error = PipelineError(describing: error) }
        return status
    }
}
