/// Calls that block, off the threads that all tasks share, for whoever has no actor of its own for them.
public actor BlockingCall {
    private let executor: BlockingExecutor
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameter label: names the queue in a debugger.
    public init(label: String) { executor = BlockingExecutor(label: label) }

    /// Runs in the caller's task, so that it can watch out for its cancellation.
    public func perform<R: Sendable>(_ body: @Sendable () throws -> R) throws -> R { try body() }
}
