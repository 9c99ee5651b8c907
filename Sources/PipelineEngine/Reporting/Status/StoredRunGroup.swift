package import PipelineCore

/// One run as a store holds it, with all of its shards.
package struct StoredRunGroup: Sendable {
    /// By shard; at least one.
    package let members: [StoredRun]

    package var runID: String { first.runID }
    package var logicalDate: String { first.logicalDate }
    package var startedAt: String { members.map(\.record.startedAt).min() ?? first.startedAt }
    /// Nil while one of its shards hasn't ended.
    package var finishedAt: String? {
        let times = members.compactMap(\.record.finishedAt)
        return times.count == members.count && isWhole ? times.max() : nil
    }
    package var counts: RunCounts {
        var counts = members.dropFirst().reduce(into: first.counts) { $0 += $1.record.counts }
        // What isn't known of a shard isn't known of the run.
        if members.contains(where: { $0.record.counts.changes == nil }) { counts.changes = nil }
        return counts
    }
    package var isSharded: Bool { shards > 1 || members.contains { $0.shard > 0 } }
    /// How many shards it has, as far as the store knows.
    package var shards: Int {
        max(members.compactMap(\.shards).max() ?? 1, (members.map(\.shard).max() ?? 0) + 1)
    }

    private var first: RunRecord { members[0].record }
    /// Whether every shard that it has has begun.
    private var isWhole: Bool { members.count >= shards }

    /// A run is what its least finished shard is.
    package var state: RunState {
        let states = Set(members.map(\.record.state))
        if states.allSatisfy(\.isPublished) {
            guard isWhole else { return .running }
            return states.contains(.notHandedOver) ? .notHandedOver : .complete
        }
        if states.contains(.running) { return .running }
        if states.contains(.unpublished) { return .unpublished }
        return states.contains(.abandoned) ? .abandoned : .running
    }

    /// What a run is called that isn't at its end and that no process works on.
    static let interrupted = "interrupted"

    /// Its state as it is told: `running` only while a process holds a shard's lock, or where nobody can know.
    package var stateText: String {
        guard state == .running else { return state.rawValue }
        return members.contains { $0.isUnderWay ?? ($0.record.state == .running) } ? state.rawValue : Self.interrupted
    }

    /// The store's runs, in the order in which they began.
    package static func groups(of runs: [StoredRun]) -> [StoredRunGroup] {
        var members: [String: [StoredRun]] = [:]
        for run in runs { members[run.record.runID, default: []].append(run) }
        return members.values.map { StoredRunGroup(members: $0.sorted { $0.shard < $1.shard }) }
            .sorted { ($0.startedAt, $0.runID) < ($1.startedAt, $1.runID) }
    }
}

extension StoredRun {
    /// A shard's state as it is told.
    var stateText: String {
        record.state == .running && isUnderWay == false ? StoredRunGroup.interrupted : record.state.rawValue
    }
}
