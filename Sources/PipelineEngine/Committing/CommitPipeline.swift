internal import PipelineCore

/// Keeps one commit under way while the next batch is gathered.
struct CommitPipeline {
    let committer: LockstepCommitter
    let source: any RecordSource
    let underWay: CommitUnderWay

    /// Waits for the commit before, then begins this one.
    func submit(_ batch: some GatheredBatch) async throws {
        try await drain()
        underWay.begin(
            Task { [committer, source] in
                do { try await committer.commit(batch) } catch {
                    // The commit failed: wake the consumer that waits for the source.
                    await source.close()
                    throw error
                }
            })
    }

    func drain() async throws { try await underWay.end() }
}
