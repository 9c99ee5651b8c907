public import PipelineCore

/// What a sink counts by itself, which its checkpoints hold among the rest.
extension SinkSession {
    /// Prepares a batch, and gives what the prepared checkpoint counts beyond the batch.
    public func observations(preparing batch: Batch) async throws -> RunCounts {
        let before = try await state().checkpoint?.counts ?? RunCounts()
        return try await prepare(batch).counts - before - batch.counts
    }

    /// Prepares a run's end, and gives what that adds to its counts.
    public func observations(preparingEnd state: RunState, finishedAt: String) async throws -> RunCounts {
        let before = try await self.state().checkpoint?.counts ?? RunCounts()
        return try await prepareCompletion(state: state, finishedAt: finishedAt).counts - before
    }
}
