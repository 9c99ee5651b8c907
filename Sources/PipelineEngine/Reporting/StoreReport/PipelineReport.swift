internal import Flattening
public import PipelineCore

/// What the stores of a pipeline tell of its last runs: the values of `sluice report`, for a text, a page or JSON. It holds no
/// user ID and no address.
public struct PipelineReport: Sendable {
    public var pipeline: String
    public var madeAt: Timestamp
    /// In the configuration's order.
    package var sinks: [SinkReport]

    /// 0, or the code of the first sink that couldn't be looked at.
    public var exitCode: Int32 { sinks.lazy.compactMap { $0.status.error }.first?.exitCode ?? 0 }
    /// Of the sinks that couldn't be looked at, with their names.
    public var errors: [(sink: String, error: PipelineError)] {
        sinks.compactMap { sink in sink.status.error.map { (sink.status.name, $0) } }
    }
}

/// What one sink tells.
package struct SinkReport: Sendable {
    package var status: SinkStatus
    /// What failed in the last run, the most frequent first; nil where the store doesn't show it (yet).
    package var failures: [FailureGroup]?
    /// How far the last run is from the brakes that are configured now; empty without a run.
    package var brakes: [Brakes.Figure] = []
    /// Whether the last run's failures are as few as the configuration accepts now.
    package var isAccepted = true
    /// The last runs, the newest first.
    package var history: [StoredRunGroup] = []
}

/// Failures with one code.
package struct FailureGroup: Sendable, Hashable {
    package var code: String
    package var count: Int

    /// One clause for people; nil for the service's own codes.
    package var meaning: String? { FailureCode(rawValue: code)?.meaning }
}

extension RunPlan {
    /// Looks at every sink, all at the same time.
    ///
    /// - Parameter runs: So many of the last runs are told.
    public func storeReport(runs: Int = 10) async -> PipelineReport { await storeReport(runs: runs, now: .now) }

    package func storeReport(runs: Int, now: Timestamp) async -> PipelineReport {
        PipelineReport(
            pipeline: pipeline, madeAt: now, sinks: await forEachSink { await report(of: $0, runs: runs) })
    }

    private func report(of planned: PlannedSink, runs: Int) async -> SinkReport {
        var failures: [FailureGroup]?
        let status = await status(of: planned) { reader, status in
            guard let last = status.last else { return }
            failures = try await FailureGroup.groups(of: last, reader, planned.layout)
        }
        var report = SinkReport(status: status, failures: failures)
        guard let last = status.last else { return report }
        report.brakes = Brakes(limits: limits).figures(of: last.counts, mode: status.mode)
        report.isAccepted = limits.accepts(last.counts) && last.counts.refused == 0
        report.history = Array(status.runs.suffix(max(1, runs)).reversed())
        return report
    }
}

extension FailureGroup {
    /// - Returns: Nil where the store holds failures that it doesn't show before the run is published.
    fileprivate static func groups(
        of run: StoredRunGroup, _ reader: any SinkReader, _ layout: Layout
    ) async throws -> [FailureGroup]? {
        guard let table = layout.tables.first(where: { $0.name == "failures" }),
            let column = table.columns.firstIndex(where: { $0.name == "code" })
        else { return nil }
        var counts: [String: Int] = [:]
        try await reader.forEachBuffer(of: table, run.runID) { buffer in
            buffer.forEachRow { row in
                let code = if case .text(let code) = row[column] { code } else { FailureCode.unknown.rawValue }
                counts[code, default: 0] += 1
            }
        }
        if counts.isEmpty, run.counts.failed + run.counts.refused > 0 { return nil }
        return counts.map { FailureGroup(code: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.code) < ($0.count, $1.code) }
    }
}
