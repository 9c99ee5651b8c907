internal import Synchronization

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
