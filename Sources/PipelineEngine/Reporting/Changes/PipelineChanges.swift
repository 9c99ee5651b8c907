internal import Flattening
public import PipelineCore

/// What merges added, changed and removed in a pipeline's stores, by run: the values of `sluice changes`. It holds no user ID
/// and no address.
public struct PipelineChanges: Sendable {
    public var pipeline: String
    /// The first logical date of the runs that are told; nil for the last complete run alone.
    public var since: Timestamp?
    /// In the configuration's order.
    package var sinks: [SinkChanges]

    /// 0, or the code of the first sink that couldn't be looked at.
    public var exitCode: Int32 { sinks.lazy.compactMap { $0.status.error }.first?.exitCode ?? 0 }
    /// Of the sinks that couldn't be looked at, with their names.
    public var errors: [(sink: String, error: PipelineError)] {
        sinks.compactMap { sink in sink.status.error.map { (sink.status.name, $0) } }
    }
}

/// What one sink tells.
package struct SinkChanges: Sendable {
    package var status: SinkStatus
    /// In the order of their logical dates.
    package var runs: [RunChanges] = []
    /// Other pipelines that write into the same tables.
    package var neighbours: [String] = []

    package var total: ChangeCounts { runs.reduce(into: ChangeCounts()) { $0 += $1.counts } }
}

/// What one run changed.
package struct RunChanges: Sendable {
    package var run: StoredRunGroup
    package var counts: ChangeCounts
}

/// Endpoints by what became of them.
package struct ChangeCounts: Sendable, Hashable {
    /// Nil where an earlier version ran, which didn't count it.
    package var changes: EndpointChanges? = EndpointChanges()
    package var removed = 0
    /// Rows of `removals`, which also tell of endpoints that moved.
    package var removals: [RemovalReason: Int] = [:]

    static func += (left: inout ChangeCounts, right: ChangeCounts) {
        if let changes = right.changes { left.changes? += changes } else { left.changes = nil }
        left.removed += right.removed
        left.removals.merge(right.removals, uniquingKeysWith: +)
    }
}

extension RunPlan {
    /// The sinks that tell what changed, those in `merge`.
    ///
    /// - Parameter name: the one that is meant; nil for all of them.
    /// - Throws: `PipelineError` of kind `.configuration` where no sink merges, `.usage` where none of them has the name.
    public func mergingSinks(named name: String?) throws -> [PlannedSink] {
        let merging = sinks.filter { $0.sink.mode.mergesWithEarlierRuns }
        guard !merging.isEmpty else {
            throw PipelineError(
                .configuration,
                "pipeline '\(pipeline)' has no sink in mode 'merge', and only a merge tells what it changed",
                hint:
                    "Give a sink of type sqlite or postgres 'mode: merge'. In all others each run's rows are whole: compare "
                    + "them run by run.")
        }
        guard let name else { return merging }
        guard let chosen = merging.first(where: { $0.sink.name == name }) else {
            throw PipelineError(
                .usage, "pipeline '\(pipeline)' has no sink '\(PrintableText.of(name, limit: 100))' in mode 'merge'",
                hint: "It has \(Self.listed(merging)).")
        }
        return [chosen]
    }

    /// The sink whose rows are meant.
    ///
    /// - Throws: as `mergingSinks`, and `PipelineError` of kind `.usage` where several sinks merge and none is named.
    public func mergingSink(named name: String?) throws -> PlannedSink {
        let merging = try mergingSinks(named: name)
        guard merging.count == 1 else {
            throw PipelineError(
                .usage, "pipeline '\(pipeline)' has \(merging.count) sinks in mode 'merge', and rows are told of one",
                hint: "Name it with --sink: \(Self.listed(merging)).")
        }
        return merging[0]
    }

    private static func listed(_ sinks: [PlannedSink]) -> String {
        sinks.map { "'\($0.sink.name)'" }.joined(separator: ", ")
    }

    /// Asks these sinks what their merges changed, all at the same time.
    ///
    /// - Parameter since: the first logical date of the runs that are told; nil for the last complete run alone.
    public func changes(in merging: [PlannedSink], since: Timestamp?) async -> PipelineChanges {
        var asked = self
        asked.sinks = merging
        return PipelineChanges(
            pipeline: pipeline, since: since, sinks: await asked.forEachSink { await changes(of: $0, since: since) })
    }

    /// - Throws: `PipelineError` of kind `.configuration` where the sink, another package's, has no way to tell.
    static func changeReader(_ reader: any SinkReader, of planned: PlannedSink) throws -> any ChangeReader {
        if let reader = reader as? any ChangeReader { return reader }
        throw PipelineError(
            .configuration, "sinks of type '\(planned.sink.typeName)' don't tell what merges change",
            hint: "Their reader has to be a ChangeReader, as those of sqlite and postgres are.")
    }

    private func changes(of planned: PlannedSink, since: Timestamp?) async -> SinkChanges {
        var runs: [RunChanges] = []
        var neighbours: [String] = []
        let status = await status(of: planned) { reader, status in
            neighbours = try await reader.runs().neighbours
            let groups = status.changing(since: since)
            guard let window = ChangeWindow(of: groups, since: since) else { return }
            var removals: [String: [RemovalReason: Int]] = [:]
            for row in try await Self.changeReader(reader, of: planned).removals(in: window) {
                removals[row.runID, default: [:]][row.reason, default: 0] += row.count
            }
            runs = groups.map { group in
                let counts = group.counts
                return RunChanges(
                    run: group,
                    counts: ChangeCounts(
                        changes: counts.changes, removed: counts.removed, removals: removals[group.runID] ?? [:]))
            }
        }
        return SinkChanges(status: status, runs: runs, neighbours: neighbours)
    }
}

extension SinkStatus {
    /// The runs that are told, in the order of their logical dates.
    func changing(since: Timestamp?) -> [StoredRunGroup] {
        guard let since else { return lastComplete.map { [$0] } ?? [] }
        return runs.filter { $0.logicalDate >= since.text }.sorted {
            ($0.logicalDate, $0.startedAt) < ($1.logicalDate, $1.startedAt)
        }
    }
}

extension ChangeWindow {
    /// The dates of the runs that are told; nil where there are none.
    init?(of runs: [StoredRunGroup], since: Timestamp?) {
        if let since {
            self.init(since: since.text)
        } else if let date = runs.last?.logicalDate {
            self.init(since: date, through: date)
        } else {
            return nil
        }
    }
}
