internal import Flattening
internal import PipelineCore

/// Gathers records that were fetched again, for each sink that has a failure in their place.
///
/// A batch holds the failures among as many consecutive ordinals as a run's batch has, so that whoever comes after a crash
/// cuts the rest into the same commits.
struct Amendment: BatchGatherer {
    private let batchSize: Int
    private let part: FailedRecords.Part
    /// The last ordinal of each batch, by the batch's place in the input.
    private let lastOrdinals: [Int: Int]
    private let sourceState: @Sendable () -> String?
    /// By the sink's place.
    private var assemblers: [Int: BatchAssembler] = [:]
    private var assembled: [Int: AssembledBatch] = [:]
    /// Taken since the last batch.
    private var ordinals: [Int] = []

    init(
        of part: FailedRecords.Part, in record: RunRecord, plan: RunPlan, account: InputAccount,
        sourceState: @escaping @Sendable () -> String?
    ) {
        self.part = part
        self.sourceState = sourceState
        batchSize = plan.batchSize
        var lastOrdinals: [Int: Int] = [:]
        for ordinal in part.ordinals { lastOrdinals[ordinal / plan.batchSize] = ordinal }
        self.lastOrdinals = lastOrdinals
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
                account: account, sourceState: { nil })
        }
    }

    var room: Int { batchSize }

    mutating func take(_ event: SourceEvent) throws -> AmendingBatch? {
        guard case .record(let record) = event else { return nil }
        let place = record.ordinal / batchSize
        if let last = ordinals.last, last / batchSize != place {
            throw PipelineError(.software, "record \(last) is followed by \(record.ordinal), others being left out")
        }
        for index in part.records[record.ordinal]?.keys.sorted() ?? [] {
            if let full = try assemblers[index]?.take(.record(record)) { assembled[index] = full }
        }
        ordinals.append(record.ordinal)
        return lastOrdinals[place] == record.ordinal ? finish() : nil
    }

    mutating func takeRest() -> AmendingBatch? { ordinals.isEmpty ? nil : finish() }

    private mutating func finish() -> AmendingBatch {
        var batch = AmendingBatch(sourceState: sourceState())
        for index in assemblers.keys {
            guard let content = (assembled[index] ?? assemblers[index]?.takeRest())?.contents.first else { continue }
            batch.amended[index] = (content, ordinals.compactMap { part.records[$0]?[index] })
        }
        assembled = [:]
        ordinals = []
        return batch
    }
}

/// New outcomes of failed records, and the failures that they take the place of.
struct AmendingBatch: GatheredBatch {
    /// By the sink's place.
    fileprivate(set) var amended: [Int: (content: AssembledBatch.BatchContent, failures: [FailedRecord])] = [:]
    let sourceState: String?

    /// Each sink amends its own failures, in as many commits as that takes.
    func batches(after lanes: [SinkLane]) -> [Int: Batch] {
        var batches: [Int: Batch] = [:]
        for (index, (content, failures)) in amended {
            guard let checkpoint = lanes[index].checkpoint else { continue }
            var progress = checkpoint.progress
            progress.sourceState = sourceState ?? progress.sourceState
            var amending = Batch(
                commitNumber: checkpoint.commitNumber + 1, tables: content.tables, counts: content.counts,
                progress: progress)
            amending.amends = failures.map(\.ordinal)
            for failure in failures { amending.counts.forget(failure) }
            batches[index] = amending
        }
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
