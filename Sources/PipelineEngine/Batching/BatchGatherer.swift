internal import PipelineCore

/// Gathers a source's events into batches.
protocol BatchGatherer {
    associatedtype Gathered: GatheredBatch

    /// How many events the batch at hand still takes: whoever reads no more at once holds no more than that.
    var room: Int { get }

    /// Takes an event; gives the batch that it completes.
    mutating func take(_ event: SourceEvent) throws -> Gathered?

    /// The last batch, at the end of the source; nil where nothing is left over.
    mutating func takeRest() -> Gathered?
}

/// What was gathered for one commit.
protocol GatheredBatch: Sendable {
    /// A batch for each sink that it concerns, by the sink's place, numbered after the sink's last commit.
    func batches(after lanes: [SinkLane]) -> [Int: Batch]
}

extension BatchAssembler: BatchGatherer {}

extension AssembledBatch: GatheredBatch {
    /// All sinks get the same commit, and those that have it already none.
    func batches(after lanes: [SinkLane]) -> [Int: Batch] {
        let number = (lanes.compactMap(\.checkpoint?.commitNumber).min() ?? 0) + 1
        var batches: [Int: Batch] = [:]
        for index in lanes.indices where (lanes[index].checkpoint?.commitNumber ?? 0) < number {
            let content = contents[lanes[index].rowSetIndex]
            var batch = Batch(
                commitNumber: number, tables: content.tables, counts: content.counts, progress: progress,
                tombstones: content.tombstones)
            batch.leftOutFiles = leftOutFiles
            batches[index] = batch
        }
        return batches
    }
}
