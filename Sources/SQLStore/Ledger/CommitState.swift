public import PipelineCore

/// Where a session with an SQL store stands: the run and the checkpoint as committed last, and what its open transaction
/// makes of them. Checks that its calls come in an order in which commits follow each other.
public struct CommitState {
    /// The run and the checkpoint as a transaction leaves them.
    public struct Commit: Sendable {
        public let run: RunRecord
        public let checkpoint: Checkpoint
    }

    public private(set) var run: RunRecord?
    public private(set) var checkpoint: Checkpoint?
    /// What the open transaction commits; nil where nothing is prepared.
    public private(set) var prepared: Commit?
    /// Tables that were dropped under an unfinished run: a run that begins anew makes them again, none goes on without them.
    public var droppedTables: [String] = []
    private let place: String
    private let pipeline: String

    /// - Parameters:
    ///   - place: what messages call the store.
    ///   - state: as the store holds it.
    public init(place: String, pipeline: String, _ state: SinkState = SinkState()) {
        self.place = place
        self.pipeline = pipeline
        run = state.lastRun
        checkpoint = state.checkpoint
    }

    /// As committed.
    public var state: SinkState { SinkState(lastRun: run, checkpoint: checkpoint) }

    /// Takes over what a store holds that was opened.
    public mutating func load(_ state: SinkState) { (run, checkpoint) = (state.lastRun, state.checkpoint) }

    // MARK: What may come next

    /// - Throws: where a batch or an end is prepared.
    public func requireNothingPrepared() throws {
        guard prepared == nil else {
            throw PipelineError(.software, "\(place): a prepared batch is neither committed nor abandoned")
        }
    }

    /// The run and the checkpoint that a batch follows.
    ///
    /// - Throws: where something is prepared, where a table is gone, or where the batch isn't the next one.
    public func requireNext(_ batch: Batch) throws -> Commit {
        try requireNothingPrepared()
        try requireTables()
        guard let run, let checkpoint, batch.commitNumber == checkpoint.commitNumber + 1 else {
            throw PipelineError(
                .software,
                "\(place): commit \(batch.commitNumber) doesn't follow commit "
                    + "\(checkpoint.map { String($0.commitNumber) } ?? "(none)") of pipeline '\(pipeline)'")
        }
        return Commit(run: run, checkpoint: checkpoint)
    }

    /// The run that ends, with its new state, and its checkpoint so far.
    ///
    /// - Throws: where something is prepared, where a table is gone, or where there is no run.
    public func requireEnd(_ state: RunState, finishedAt: String) throws -> Commit {
        try requireNothingPrepared()
        try requireTables()
        guard var run, let checkpoint else {
            throw PipelineError(.software, "\(place): no run of pipeline '\(pipeline)' can be completed")
        }
        run.state = state
        run.finishedAt = finishedAt
        return Commit(run: run, checkpoint: checkpoint)
    }

    private func requireTables() throws {
        guard let first = droppedTables.first else { return }
        throw PipelineError(
            .configuration,
            "\(place): table '\(first)' is gone, and with it what the unfinished run has committed there",
            hint: "Restore the database to resume the run, or run with --fresh to begin again.")
    }

    /// The prepared commit, which isn't prepared any longer.
    public mutating func takePrepared() throws -> Commit {
        guard let prepared else {
            throw PipelineError(.software, "\(place): nothing is prepared that could be committed")
        }
        self.prepared = nil
        return prepared
    }

    // MARK: What has happened

    /// The transaction is ready to be committed.
    public mutating func prepare(_ commit: Commit) { prepared = commit }

    /// What was prepared is undone.
    public mutating func abandon() { prepared = nil }

    /// A transaction is committed.
    public mutating func commit(_ commit: Commit) { (run, checkpoint) = (commit.run, commit.checkpoint) }

    /// A new run has begun, with all of its tables.
    public mutating func begin(_ commit: Commit) {
        self.commit(commit)
        droppedTables = []
    }

    /// A run was given up.
    public mutating func abandonRun(_ runID: String) { if run?.runID == runID { run?.state = .abandoned } }
}

extension CommitState.Commit {
    /// A run at its start.
    ///
    /// - Parameter tracksChanges: whether its batches tell what they change.
    public init(beginning run: RunRecord, fingerprint: String, tracksChanges: Bool) {
        var run = run
        run.state = .running
        run.finishedAt = nil
        run.counts = RunCounts()
        if tracksChanges { run.counts.changes = EndpointChanges() }
        self.init(
            run: run,
            checkpoint: Checkpoint(
                runID: run.runID, commitNumber: 0, progress: .start, counts: run.counts, fingerprint: fingerprint))
    }

    /// After a batch; `observed` is what the store counted while it wrote the rows.
    public func advanced(by batch: Batch, observed: RunCounts) -> Self {
        let checkpoint = checkpoint.advanced(by: batch, observed: observed)
        var run = run
        run.counts = checkpoint.counts
        return Self(run: run, checkpoint: checkpoint)
    }

    /// At the run's end; `observed` is what the store counted while it published the rows.
    public func ended(observed: RunCounts) -> Self {
        let checkpoint = checkpoint.completed(observed: observed)
        var run = run
        run.counts = checkpoint.counts
        return Self(run: run, checkpoint: checkpoint)
    }

    /// Whether two speak of the same place in the same run.
    public func isAt(_ checkpoint: Checkpoint?) -> Bool {
        checkpoint?.runID == self.checkpoint.runID && checkpoint?.commitNumber == self.checkpoint.commitNumber
    }
}
