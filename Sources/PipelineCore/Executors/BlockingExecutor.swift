internal import Dispatch

/// A serial executor for an actor that owns blocking calls: file I/O, sqlite3, libpq.
///
/// Its work runs on threads of its own, so a slow disk or a long statement never takes one of the few threads that all
/// other tasks share. Jobs run one at a time, in the order in which they were enqueued. An actor holds one and names it:
///
/// ```swift
/// actor Session {
///     private let executor = BlockingExecutor(label: "sqlite")
///     nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
/// }
/// ```
///
/// Two actors may share one executor, where they share a handle. A hop onto it costs some microseconds, so calls should
/// do a batch of work each.
public final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// - Parameter label: names the queue in a debugger.
    public init(label: String) {
        queue = DispatchQueue(label: "sluice.\(label)")
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // The queue's block keeps the executor alive for as long as the job runs.
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    /// Lets `assumeIsolated` work from a block that runs on the queue without a task around it.
    public func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
