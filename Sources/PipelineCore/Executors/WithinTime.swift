/// Does something that watches out for its task's cancellation, for no longer than a time.
///
/// - Returns: Nil where the time wasn't enough.
/// - Throws: What `body` throws; `CancellationError` where the caller's own task is cancelled.
public func withinTime<R: Sendable>(
    _ time: Duration, _ body: @escaping @Sendable () async throws -> R
) async throws -> R? {
    try await withThrowingTaskGroup(of: R?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: time)
            return nil
        }
        defer { group.cancelAll() }
        let first = try await group.next()
        group.cancelAll()
        if let result = first ?? nil { return result }
        // Its calls end soon; what they give up with is of no interest.
        while true {
            do { if try await group.next() == nil { break } } catch { continue }
        }
        try Task.checkCancellation()
        return nil
    }
}
