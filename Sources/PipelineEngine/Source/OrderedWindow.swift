internal import DequeModule
package import PipelineCore

/// Puts outcomes that come in any order back into input order, within bounds. A pure state machine: it starts
/// nothing and knows no clock.
///
/// Entries stand in input order. Each is waiting, under way, resolved or parked; only the head leaves. Answers of resolved
/// entries are counted in bytes; beyond `maxBytes` nothing new is started, the head excepted.
package struct OrderedWindow {
    /// A place in the window's order; grows by one with each entry for as long as the window lives.
    package typealias Ticket = Int

    package enum State {
        case waiting
        case underWay(LookupCall)
        case resolved(Outcome, byteCount: Int)
        /// To be parked as soon as it is the head.
        case parked
        /// Another shard's: here only to keep the order.
        case passed
    }

    /// What leaves the window.
    package enum Departure {
        case answered(Entry, Outcome)
        case parked(Entry)
        case passed(Entry)
    }

    package struct Entry {
        package var ordinal: Int
        package var input: InputRecord
        /// Where reading yields this record.
        package var position: Position
        package var state: State
    }

    package let capacity: Int
    package let maxBytes: Int
    private let mostPassed: Int
    /// Entries of other shards.
    private var passed = 0
    private var entries: Deque<Entry> = []
    /// The ticket of the head.
    private var head: Ticket = 0
    /// The first entry that is still waiting; all behind it wait too.
    private var nextToStart: Ticket = 0
    /// Bytes of resolved answers.
    package private(set) var heldBytes = 0

    /// A window of max(1024, 4 × concurrency) records and 32 MiB of answers keeps the rate where one user in a
    /// thousand stalls, at any concurrency.
    ///
    /// - Parameter shards: Other shards' records come on top, as many as usually stand between those of the window; beyond
    ///   64 shards fewer, so that memory has an end.
    package init(concurrency: Int, maxBytes: Int = 32 << 20, shards: Int = 1) {
        capacity = max(1024, 4 * concurrency)
        self.maxBytes = maxBytes
        mostPassed = (min(shards, 64) - 1) * capacity
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var hasRoom: Bool { entries.count - passed < capacity && (passed == 0 || passed < mostPassed) }
    /// Nothing new can be started, neither for want of room nor of memory.
    package var isFull: Bool {
        nextToStart == head + entries.count ? !hasRoom : heldBytes >= maxBytes && nextToStart > head
    }
    /// Everything in the window has been started.
    package var allStarted: Bool { nextToStart == head + entries.count }

    /// - Parameter parked: It is known already that this one was parked; it isn't called for.
    package mutating func admit(ordinal: Int, input: InputRecord, position: Position, parked: Bool = false) {
        entries.append(
            Entry(ordinal: ordinal, input: input, position: position, state: parked ? .parked : .waiting))
    }

    /// Keeps the place of another shard's record.
    package mutating func pass(ordinal: Int, input: InputRecord, position: Position) {
        entries.append(Entry(ordinal: ordinal, input: input, position: position, state: .passed))
        passed += 1
    }

    /// The next entry to call for, in order. Nil where nothing waits or no memory is left. Faulty input is resolved on
    /// the way.
    package mutating func start(_ call: @autoclosure () -> LookupCall) -> (
        ticket: Ticket, userID: String, call: LookupCall
    )? {
        while nextToStart < head + entries.count {
            if heldBytes >= maxBytes && nextToStart > head { return nil }
            let ticket = nextToStart
            nextToStart += 1
            guard case .waiting = entries[ticket - head].state else { continue }
            switch entries[ticket - head].input.content {
            case .fault(let fault):
                entries[ticket - head].state = .resolved(.failed(RecordFailure(fault)), byteCount: 0)
            case .userID(let userID):
                let call = call()
                entries[ticket - head].state = .underWay(call)
                return (ticket, userID, call)
            }
        }
        return nil
    }

    /// Records an outcome; one that comes for an entry that has left (it was parked) is dropped.
    package mutating func resolve(_ ticket: Ticket, _ outcome: Outcome, byteCount: Int) {
        guard ticket >= head, case .underWay = entries[ticket - head].state else { return }
        entries[ticket - head].state = .resolved(outcome, byteCount: byteCount)
        heldBytes += byteCount
    }

    /// Takes the head if its fate is known.
    package mutating func takeHead() -> Departure? {
        guard let first = entries.first else { return nil }
        let departure: Departure
        switch first.state {
        case .waiting, .underWay: return nil
        case .resolved(let outcome, let byteCount):
            heldBytes -= byteCount
            departure = .answered(first, outcome)
        case .parked: departure = .parked(first)
        case .passed:
            passed -= 1
            departure = .passed(first)
        }
        entries.removeFirst()
        head += 1
        nextToStart = max(nextToStart, head)
        return departure
    }

    /// The head, if a call for it is under way.
    package var headUnderWay: (ticket: Ticket, ordinal: Int, call: LookupCall)? {
        guard let first = entries.first, case .underWay(let call) = first.state else { return nil }
        return (head, first.ordinal, call)
    }

    /// The user of the head, where its call has ended in a failure.
    package var failedHead: String? {
        guard let first = entries.first, case .resolved(.failed, _) = first.state,
            case .userID(let userID) = first.input.content
        else { return nil }
        return userID
    }

    /// Gives up waiting for the head.
    package mutating func setHeadAside() {
        if !entries.isEmpty { entries[0].state = .parked }
    }

    /// When the latest of the calls under way was first sent; nil where none is under way, or where one is not in its
    /// first attempt: it waits to be sent, or its attempts get answers and it isn't stalled but retried. One that is
    /// throttled again and again is as good as stalled.
    package var latestSent: ContinuousClock.Instant? {
        var latest: ContinuousClock.Instant?
        for entry in entries {
            guard case .underWay(let call) = entry.state else { continue }
            guard call.attempts == 1 || call.throttled >= 2, let sent = call.firstSent else { return nil }
            latest = max(latest ?? sent, sent)
        }
        return latest
    }
}
