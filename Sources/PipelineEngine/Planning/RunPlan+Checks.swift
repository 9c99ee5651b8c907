internal import PipelineCore

extension RunPlan {
    /// - Parameter isDated: The run's date was named.
    /// - Throws: `PipelineError` where the plan is for one shard and a sink's rows can't come from several processes.
    func requireShardable(isDated: Bool) throws {
        guard !shard.isWhole else { return }
        if let sink = sinks.first(where: { !$0.sink.mode.mayBeSharded }) {
            throw PipelineError(
                .configuration,
                "sink '\(sink.sink.name)' replaces its content, and no single shard may publish for all of them",
                hint: "Run the pipeline as a whole, or use the mode merge or append.")
        }
        if case .archive = source {
            if !isDated {
                throw PipelineError(
                    .usage, "the shards of an archive must belong to one run: they have to find the same files",
                    hint: "Name the run's date: --logical-date 2026-11-23 (the same for every shard).")
            }
            // What a filter takes out here another shard may write later, from an older line.
            if let sink = sinks.first(where: { sink in
                sink.sink.mode.mergesWithEarlierRuns && sink.transforms.contains { $0.mayTakeOut }
            }) {
                throw PipelineError(
                    .configuration,
                    "sink '\(sink.sink.name)' removes what a filter takes out, and shards end in any order",
                    hint: "Run the pipeline as a whole, or use the mode append.")
            }
        }
        if !isDated, let sink = sinks.first(where: { $0.sink.mode.keepsRunsApart }) {
            throw PipelineError(
                .usage, "sink '\(sink.sink.name)' appends a run's rows, so its shards must belong to one run",
                hint: "Name the run's date: --logical-date 2026-11-23 (the same for every shard).")
        }
    }
}
