import PipelineEngine
import Synchronization
import Testing

@Suite struct StopSignalTests {
    /// Names in the order in which they were called.
    private final class Calls: Sendable {
        private let names = Mutex<[String]>([])

        var all: [String] { names.withLock { $0 } }

        func listener(_ name: String) -> @Sendable () -> Void {
            { self.names.withLock { $0.append(name) } }
        }
    }

    @Test func allListenersAreCalledInOrder() {
        let stop = StopSignal()
        let calls = Calls()
        let names = (0..<20).map { "listener \($0)" }
        let listening = names.map { stop.onRequest(calls.listener($0)) }
        #expect(calls.all.isEmpty && !stop.isRequested)
        stop.request()
        #expect(calls.all == names && stop.isRequested)
        for one in listening { one.end() }
    }

    @Test func whoHasEndedIsNotCalled() {
        let stop = StopSignal()
        let calls = Calls()
        let first = stop.onRequest(calls.listener("first"))
        let second = stop.onRequest(calls.listener("second"))
        let third = stop.onRequest(calls.listener("third"))
        second.end()
        // Once more, and for a listener that took its place.
        second.end()
        let fourth = stop.onRequest(calls.listener("fourth"))
        second.end()
        stop.request()
        #expect(calls.all == ["first", "third", "fourth"])
        for one in [first, third, fourth] { one.end() }
    }

    @Test func whoComesAfterTheRequestIsCalledAtOnce() {
        let stop = StopSignal()
        let calls = Calls()
        stop.request()
        let listening = stop.onRequest(calls.listener("late"))
        #expect(calls.all == ["late"])
        listening.end()
        #expect(calls.all == ["late"])
    }

    @Test func aSecondRequestCallsNobodyAgain() {
        let stop = StopSignal()
        let calls = Calls()
        let early = stop.onRequest(calls.listener("early"))
        stop.request()
        let late = stop.onRequest(calls.listener("late"))
        stop.request()
        #expect(calls.all == ["early", "late"])
        early.end()
        late.end()
    }

    /// As where the end of one piece of work leads to that of another.
    @Test func aListenerMayRegisterAndEndOthers() {
        let stop = StopSignal()
        let calls = Calls()
        let other = stop.onRequest(calls.listener("other"))
        let nested = stop.onRequest {
            other.end()
            stop.onRequest(calls.listener("nested")).end()
        }
        stop.request()
        // The other one's call has begun by then.
        #expect(calls.all == ["other", "nested"])
        nested.end()
    }

    /// Whatever the order, everybody is called exactly once.
    @Test func racingRegistrationsAreCalledOnce() async {
        for _ in 0..<200 {
            let stop = StopSignal()
            let calls = Calls()
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask { _ = stop.onRequest(calls.listener("\(number)")) }
                    if number == 3 { group.addTask { stop.request() } }
                }
            }
            #expect(calls.all.sorted() == (0..<8).map(String.init))
        }
    }
}
