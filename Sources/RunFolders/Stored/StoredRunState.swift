internal import PipelineCore
internal import StoreFormat

/// A run of one pipeline and shard with its checkpoint: what history, checkpoint file and manifest all hold.
struct StoredRunState: Sendable, Equatable {
    /// Of the file that holds it.
    var format: StoreFormat
    var pipeline: String
    var shard: Int
    /// How many shards the run has; 1 where it isn't sharded.
    var shards: Int
    var mode: WriteMode
    /// Grows with each run that begins here: the newest run has the highest. A run done again has a new one.
    var sequence: Int
    var run: RunRecord
    var checkpoint: Checkpoint

    var isSharded: Bool { shards > 1 || shard > 0 }
    /// It may still be written to.
    var isUnfinished: Bool { run.state == .running || run.state == .unpublished }

    /// What the state becomes; run and checkpoint have the same counts.
    func ended(_ state: RunState, finishedAt: String, observed: RunCounts = RunCounts()) -> StoredRunState {
        var result = self
        result.checkpoint = checkpoint.completed(observed: observed)
        result.run.state = state
        result.run.finishedAt = finishedAt
        result.run.counts = result.checkpoint.counts
        return result
    }

    init(
        format: StoreFormat = .current, pipeline: String, shard: Int, shards: Int, mode: WriteMode, sequence: Int,
        run: RunRecord,
        checkpoint: Checkpoint
    ) {
        self.format = format
        self.pipeline = pipeline
        self.shard = shard
        self.shards = shards
        self.mode = mode
        self.sequence = sequence
        self.run = run
        self.checkpoint = checkpoint
    }
}
