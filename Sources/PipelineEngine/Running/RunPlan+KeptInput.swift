internal import PipelineCore

extension RunPlan {
    /// Looks at what is kept aside of the input of an unfinished run. Whoever opens the pipeline's stores does: a run that can't
    /// be gone on with is said to be so by all commands, in the same words.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where it can't be read.
    func checkKeptInput(of record: RunRecord, shard: Int) async throws {
        guard record.state == .running, case .lookup(let reader, _, _) = source else { return }
        try await reader.checkKept(
            for: InputRun(pipeline: pipeline, shard: shard, runID: record.runID, startedAt: record.startedAt))
    }

    /// The same of the newest run that a store tells of, in each of its shards.
    func checkKeptInput(of runs: [StoredRunGroup]) async throws {
        for member in runs.last?.members ?? [] { try await checkKeptInput(of: member.record, shard: member.shard) }
    }
}
