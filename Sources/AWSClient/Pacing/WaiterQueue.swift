internal import DequeModule

/// Waiters in order of arrival, each with a ticket by which it can be taken out again.
package struct WaiterQueue<Waiter> {
    private var entries: Deque<(ticket: UInt64, waiter: Waiter?)> = []
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// Whose turn is next.
    package var first: Waiter? {
        for entry in entries where entry.waiter != nil { return entry.waiter }
        return nil
    }

    /// - Precondition: tickets grow.
    package mutating func append(_ waiter: Waiter, ticket: UInt64) {
        entries.append((ticket, waiter))
        count += 1
    }

    package mutating func popFirst() -> (ticket: UInt64, waiter: Waiter)? {
        while let first = entries.popFirst() {
            if let waiter = first.waiter {
                count -= 1
                return (first.ticket, waiter)
            }
        }
        return nil
    }

    /// Takes a waiter out; nil where it isn't there any more.
    package mutating func remove(ticket: UInt64) -> Waiter? {
        var low = entries.startIndex
        var high = entries.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        guard low < entries.endIndex, entries[low].ticket == ticket, let waiter = entries[low].waiter else {
            return nil
        }
        entries[low].waiter = nil
        count -= 1
        if count == 0 { entries.removeAll(keepingCapacity: true) }
        return waiter
    }
}
