internal import PipelineCore
internal import SQLStore

/// Connecting, and connecting again where a connection is lost.
extension PostgresSinkSession {
    /// Does something with a connection; where that is lost, connects again within the outage's limit and does it once more.
    ///
    /// - Parameter what: follows "cannot" in a message.
    /// - Throws: `CancellationError` where a cancelled task has waited for the server, or for a lock there, long enough.
    func attempting<R>(
        _ what: String, outageLimit: Duration? = nil, isOpening: Bool = false, _ body: (PostgresStore) throws -> R
    ) throws -> R {
        try requireOpen()
        var outage: Outage?
        var conflicts = 0
        defer { if outage != nil { context.waits(nil) } }
        while true {
            do {
                let store = try connected(isOpening: isOpening)
                if outage != nil { context.waits(nil) }
                return try body(store)
            } catch let failure as PostgresFailure {
                if failure.isOutage {
                    disconnect()
                    // A server that says plainly that it never takes writes isn't waited for.
                    let isHopeless = isOpening && failure.sqlState == "25006"
                    if outage == nil { outage = Outage(limit: outageLimit ?? sink.outage) }
                    context.waits("\(sink.target) is away (\(failure.text))")
                    if !isHopeless, outage?.wait() == true { continue }
                    if !isHopeless { try Task.checkCancellation() }
                } else {
                    store?.connection.rollBack()
                    if failure.isConflict, conflicts < Self.mostConflicts {
                        conflicts += 1
                        Pause.sleep(.milliseconds(Int.random(in: 1...20 * conflicts)))
                        continue
                    }
                    if failure.isCancelled { try Task.checkCancellation() }
                }
                if isOpening, failure.sqlState == "25006" {
                    throw PipelineError(
                        .configuration, "\(sink.target): \(failure.message)",
                        hint: "Name the primary, or a database and role that may write.")
                }
                throw failure.pipelineError(target: sink.target, doing: what)
            } catch {
                store?.connection.rollBack()
                throw error
            }
        }
    }

    private static let mostConflicts = 10

    private func connected(isOpening: Bool) throws -> PostgresStore {
        if let store, store.connection.isOpen { return store }
        disconnect()
        let store = try PostgresStore(
            sink, context, own: &backends, patience: isOpening ? .seconds(3) : .seconds(1), isOpening: isOpening)
        self.store = store
        return store
    }

    func disconnect() {
        store?.connection.close()
        store = nil
    }
}
