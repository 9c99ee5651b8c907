internal import Synchronization

/// A request to stop early: set once, from anywhere; the run ends after the commit at hand.
public final class StopSignal: Sendable {
    private struct State {
        var isRequested = false
        var handler: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    public var isRequested: Bool { state.withLock { $0.isRequested } }

    public func request() {
        let handler = state.withLock { state in
            state.isRequested = true
            return state.handler
        }
        handler?()
    }

    /// Sets what is done at the request, at once if it has come already; nil takes it back.
    func onRequest(_ handler: (@Sendable () -> Void)?) {
        let isRequested = state.withLock { state in
            state.handler = handler
            return state.isRequested
        }
        if isRequested { handler?() }
    }
}
