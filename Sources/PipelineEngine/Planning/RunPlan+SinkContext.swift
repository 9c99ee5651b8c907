internal import Flattening
internal import PipelineCore

extension RunPlan {
    /// What a sink is told when it is opened or looked at.
    ///
    /// - Parameter waits: is told what the sink waits for.
    func context(
        of planned: PlannedSink, waits: @escaping @Sendable (String?) -> Void = { _ in }
    ) -> SinkContext {
        SinkContext(
            pipeline: pipeline, shard: shard.index, shards: shard.count, tables: planned.layout.tables,
            onNewColumns: onNewColumns, conflict: source.conflict, waits: waits)
    }
}
