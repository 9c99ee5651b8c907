internal import PipelineCore
internal import Synchronization

/// Keeps one commit under way while the next batch is gathered.
struct CommitPipeline {
    let committer: LockstepCommitter
    /// The number of the last batch that was submitted.
    var number: Int
    let source: any RecordSource
    let underWay: CommitUnderWay

    /// Waits for the commit before, then begins this one.
    mutating func submit(_ batch: AssembledBatch) async throws {
        try await drain()
        number += 1
        underWay.begin(
            Task { [committer, source, number] in
                do { try await committer.commit(batch, number: number) } catch {
                    // Whoever waits for the source learns at once that there is nothing to wait for.
                    await source.close()
                    throw error
                }
            })
    }

    func drain() async throws { try await underWay.end() }
}

/// The commit that is under way, so that a stop reaches it.
final class CommitUnderWay: Sendable {
    private let state = Mutex<(task: Task<Void, any Error>?, isStopping: Bool)>((nil, false))

    func begin(_ task: Task<Void, any Error>) {
        let isStopping = state.withLock { state in
            state.task = task
            return state.isStopping
        }
        if isStopping { task.cancel() }
    }

    /// Waits for it; meanwhile a stop still reaches it.
    func end() async throws {
        let task = state.withLock { $0.task }
        defer { state.withLock { $0.task = nil } }
        try await task?.value
    }

    /// What is at hand is finished, but a sink that waits for its server to come back waits no longer.
    func stopWaiting() {
        let task = state.withLock { state in
            state.isStopping = true
            return state.task
        }
        task?.cancel()
    }
}
