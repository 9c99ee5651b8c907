internal import PipelineCore

/// What readers of a store must see after every step of its runs.
struct SinkModel {
    let mode: WriteMode
    /// Whether equal keys are one row; without keys everything is kept.
    let isKeyed: Bool
    /// Whether a run's rows are seen with each commit, not at its completion; never so in `replace`.
    let showsRunsUnderWay: Bool
    let conflict: ConflictPolicy

    /// What readers see: by the run's ID in `append`, else one content.
    private var visible: [String: SinkContent] = [:]
    /// What a run has written that readers don't see yet.
    private var aside: (runID: String, content: SinkContent)?
    /// The rows of `failures` in a store with keys, which readers always see: by run, shard and ordinal.
    private var failures: [FailureKey: [RowView.Value]] = [:]
    /// The runs that each shard has begun.
    private var begun: Set<RunKey> = []

    private struct RunKey: Hashable {
        var runID: String
        var shard: Int
    }

    private struct FailureKey: Hashable {
        var run: RunKey
        var ordinal: Int
    }

    init(mode: WriteMode, isKeyed: Bool, showsRunsUnderWay: Bool, conflict: ConflictPolicy = .last) {
        self.mode = mode
        self.conflict = conflict
        self.isKeyed = isKeyed
        self.showsRunsUnderWay = mode == .merge || showsRunsUnderWay && mode == .append
    }

    private func slot(_ runID: String) -> String { mode == .append ? runID : "" }

    mutating func begin(_ runID: String, shard: Int = 0) {
        let run = RunKey(runID: runID, shard: shard)
        let isAgain = !begun.insert(run).inserted
        let isShared = begun.contains { $0.runID == runID && $0.shard != shard }
        failures = failures.filter { $0.key.run != run }
        if !showsRunsUnderWay { aside = (runID, SinkContent()) }
        if showsRunsUnderWay, mode == .append, isAgain { visible[runID] = nil }
        // Which of a run's rows are which shard's can't be told.
        if mode == .merge, isKeyed, isAgain, !isShared { visible[slot(runID)]?.giveBack(runID) }
    }

    /// Writes one batch and gives what a sink must have counted.
    mutating func write(
        _ records: [SinkFixture.Record], firstOrdinal: Int, runID: String, shard: Int = 0
    ) -> RunCounts {
        var content = showsRunsUnderWay ? visible[slot(runID)] ?? SinkContent() : aside?.content ?? SinkContent()
        var observed = RunCounts()
        if isKeyed {
            observed = content.merge(records, firstOrdinal: firstOrdinal, runID: runID, conflict: conflict)
            if mode != .merge { observed.changes = nil }
            for (offset, record) in records.enumerated() {
                guard case .failed(let user) = record else { continue }
                let key = FailureKey(run: RunKey(runID: runID, shard: shard), ordinal: firstOrdinal + offset)
                failures[key] = SinkFixture.failureRow(user, ordinal: firstOrdinal + offset, runID: runID, shard: shard)
            }
        } else {
            content.append(
                SinkFixture.batch(
                    records, commitNumber: 0, firstOrdinal: firstOrdinal, runID: runID, shard: shard, mode: mode),
                to: SinkFixture.tables(for: mode))
        }
        if showsRunsUnderWay { visible[slot(runID)] = content } else { aside = (runID, content) }
        return observed
    }

    /// Completes the run, which publishes what stands aside; gives what a sink must have counted.
    mutating func complete(_ runID: String) -> RunCounts {
        var observed = RunCounts()
        guard let published = aside else { return observed }
        if mode == .replace {
            let before = (visible[slot(runID)] ?? SinkContent()).endpointCount(missingIn: published.content)
            observed.previousEndpoints = before.all
            observed.removed = before.missing
            failures = failures.filter { $0.key.run.runID == runID }
        }
        visible[slot(runID)] = published.content
        aside = nil
        return observed
    }

    /// Gives an unfinished run up: what readers don't see of it goes.
    mutating func abandonRun(_ runID: String) {
        if aside?.runID == runID { aside = nil }
    }

    /// The rows of a table that readers see, in any order.
    func rows(of table: TableDefinition) -> [[RowView.Value]] {
        let direct = table.name == SinkFixture.failures.name ? Array(failures.values) : []
        return direct + visible.values.flatMap { $0.rows(of: table, isKeyedByRun: mode == .append) }
    }
}
