internal import Synchronization

/// A request to stop early: set once, from anywhere; the run ends after the commit at hand.
public final class StopSignal: Sendable {
    private struct State {
        var isRequested = false
        /// By number, in the order of registration.
        var listeners: [Int: @Sendable () -> Void] = [:]
        var nextNumber = 0
    }

    /// A listener's registration.
    package struct Listening: Sendable {
        fileprivate let signal: StopSignal
        fileprivate let number: Int

        /// The listener isn't called any more; a call that has begun isn't waited for.
        package func end() { signal.state.withLock { state in _ = state.listeners.removeValue(forKey: number) } }
    }

    private let state = Mutex(State())

    public init() {}

    public var isRequested: Bool { state.withLock { $0.isRequested } }

    public func request() {
        let listeners = state.withLock { state in
            defer { state.listeners = [:] }
            state.isRequested = true
            return state.listeners.sorted { $0.key < $1.key }.map(\.value)
        }
        for listener in listeners { listener() }
    }

    /// Registers what is done at the request; it is done at once where the request has come already.
    ///
    /// - Parameter listener: Called once at most, on the thread that requests, after those registered before it.
    package func onRequest(_ listener: @escaping @Sendable () -> Void) -> Listening {
        let (number, isRequested) = state.withLock { state in
            defer { state.nextNumber += 1 }
            if !state.isRequested { state.listeners[state.nextNumber] = listener }
            return (state.nextNumber, state.isRequested)
        }
        if isRequested { listener() }
        return Listening(signal: self, number: number)
    }
}
