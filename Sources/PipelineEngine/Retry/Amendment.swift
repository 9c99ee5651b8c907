internal import Flattening
internal import PipelineCore

/// Records that were fetched again, gathered for each sink that has a failure in their place.
struct Amendment {
    private let part: FailedRecords.Part
    /// By the sink's place.
    private var assemblers: [Int: BatchAssembler] = [:]
    private var assembled: [Int: AssembledBatch] = [:]
    /// Taken since the last commit.
    private(set) var ordinals: [Int] = []

    init(_ plan: RunPlan, _ record: RunRecord, _ part: FailedRecords.Part, hash: InputHash) {
        self.part = part
        let run = RowContext(runID: record.runID, logicalDate: record.logicalDate, shard: plan.shard.index)
        for (index, sink) in plan.sinks.enumerated() {
            // As at the end of a run, where users come that were parked.
            var progress = RunProgress.start
            progress.inputEnded = true
            progress.parked = part.ordinals.filter { part.records[$0]?[index] != nil }.map {
                ParkedRecord(ordinal: $0, position: .start)
            }
            if progress.parked.isEmpty { continue }
            assemblers[index] = BatchAssembler(
                run: run, contents: [(sink.transforms, sink.layout)], batchSize: plan.batchSize, progress: progress,
                hash: hash, sourceState: { nil })
        }
    }

    mutating func take(_ record: SourceRecord) throws {
        for index in part.records[record.ordinal]?.keys.sorted() ?? [] {
            if let full = try assemblers[index]?.take(.record(record)) { assembled[index] = full }
        }
        ordinals.append(record.ordinal)
    }

    /// What was taken, as a batch for each sink that it concerns.
    mutating func takeBatches(after lanes: [SinkLane], sourceState: String?) -> [Int: Batch] {
        var batches: [Int: Batch] = [:]
        for index in assemblers.keys.sorted() {
            guard let batch = assembled[index] ?? assemblers[index]?.takeRest(), let content = batch.contents.first,
                let checkpoint = lanes[index].checkpoint
            else { continue }
            var progress = checkpoint.progress
            progress.sourceState = sourceState ?? progress.sourceState
            var amending = Batch(
                commitNumber: checkpoint.commitNumber + 1, tables: content.tables, counts: content.counts,
                progress: progress)
            let failures = ordinals.compactMap { part.records[$0]?[index] }
            amending.amends = failures.map(\.ordinal)
            for failure in failures { amending.counts.forget(failure) }
            batches[index] = amending
        }
        assembled = [:]
        ordinals = []
        return batches
    }
}

extension RunCounts {
    /// Takes back what a failure was counted as.
    fileprivate mutating func forget(_ failure: FailedRecord) {
        rows["failures", default: 0] -= 1
        guard failure.isRefused else { return failed -= 1 }
        refused -= 1
        // It had an outcome, which its row tells by the answer's status.
        if failure.status == 404 { absent -= 1 } else { found -= 1 }
    }
}
