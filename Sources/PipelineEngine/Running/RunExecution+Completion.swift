internal import PipelineCore

extension RunExecution {
    /// Checks that every record is accounted for once, then ends the run in every sink.
    mutating func complete() async -> PipelineError? {
        for lane in await committer.lanes {
            guard let checkpoint = lane.checkpoint else { continue }
            let progress = checkpoint.progress
            guard progress.inputEnded, progress.parked.isEmpty,
                checkpoint.counts.records + checkpoint.counts.otherShards == progress.consumed
            else {
                return PipelineError(
                    .software,
                    "the account of sink '\(lane.name)' doesn't balance: \(progress.consumed) records were read, "
                        + "\(checkpoint.counts.records) have an outcome, \(checkpoint.counts.otherShards) are other shards', "
                        + "\(progress.parked.count) are parked",
                    hint: "This is a fault of sluice. The run isn't marked complete; what is committed is safe.")
            }
        }
        let finishedAt = runner.now().text
        let underWay = CommitUnderWay()
        let listening = runner.stop.onRequest { underWay.stopWaiting() }
        defer { listening.end() }
        underWay.begin(
            Task { [committer, publishes = runner.plan.inputLimit == nil] in
                try await committer.complete(finishedAt: finishedAt, publishes: publishes)
            })
        do { try await underWay.end() } catch {
            return error is CancellationError ? stopped : PipelineError(describing: error)
        }
        endedAt = finishedAt
        return nil
    }

    /// Publishes a `replace` that waits, if its failures are accepted by now.
    mutating func publishPending() async -> RunReport {
        let error = await complete()
        if error == nil, await isComplete() { await runner.releaseInput(of: record) }
        return await report(error: error)
    }

    /// Whether the run is at its end in every sink.
    func isComplete() async -> Bool { await committer.lanes.allSatisfy { $0.end?.isPublished == true } }
}
