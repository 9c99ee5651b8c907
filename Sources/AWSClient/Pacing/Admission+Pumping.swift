internal import RateLimiting

/// Releases waiters when their turn, or the end of their time, has come.
extension Admission {
    /// Whom to let go now, in order.
    package mutating func pump(now: Double) -> [(waiter: Waiter, grant: AdmissionGrant)] {
        tick(now: now)
        circuit.endIfDue(now: now)
        var released: [(waiter: Waiter, grant: AdmissionGrant)] = []
        if circuit.isOpen || end != nil {
            while let next = quotaQueue.popFirst() {
                limits[next.ticket] = nil
                released.append((next.waiter.waiter, .quota(paid: 0)))
            }
        }
        if end != nil {
            while let next = queue.popFirst() { released.append((next.waiter, .ended)) }
            limits.removeAll()
            return released
        }
        if let probe = circuit.nextProbe {
            if now >= probe, now >= heldUntil, let next = queue.popFirst() {
                limits[next.ticket] = nil
                circuit.probeSent(now: now)
                released.append((next.waiter, .admitted))
            }
        } else if now >= heldUntil {
            while !queue.isEmpty, bucket.take(now: now, isContended: true), let next = queue.popFirst() {
                limits[next.ticket] = nil
                released.append((next.waiter, .admitted))
            }
        }
        while let cost = quotaQueue.first?.cost, let paid = quota.take(cost, now: now), let next = quotaQueue.popFirst()
        {
            limits[next.ticket] = nil
            released.append((next.waiter.waiter, .quota(paid: paid)))
        }
        if !limits.isEmpty { expire(now: now, &released) }
        return released
    }

    /// Lets go who has waited for long enough. An open circuit isn't anybody's time.
    private mutating func expire(now: Double, _ released: inout [(waiter: Waiter, grant: AdmissionGrant)]) {
        guard !circuit.isOpen else { return }
        for (ticket, limit) in limits where limit <= now {
            if let waiter = take(ticket) { released.append((waiter, .expired)) }
        }
    }

    mutating func take(_ ticket: UInt64) -> Waiter? {
        limits[ticket] = nil
        return queue.remove(ticket: ticket) ?? quotaQueue.remove(ticket: ticket)?.waiter
    }

    /// When to pump next if nothing else happens; nil where nobody waits for a time.
    package func nextEvent(now: Double) -> Double? {
        var times: [Double] = []
        if !queue.isEmpty {
            if let probe = circuit.nextProbe, let end = circuit.endsAt {
                times.append(min(max(probe, heldUntil), end))
            } else {
                times.append(max(heldUntil, bucket.nextToken))
            }
        }
        if !quotaQueue.isEmpty { times.append(quota.nextUnpaid) }
        if !circuit.isOpen, let limit = limits.values.min() { times.append(limit) }
        return times.min()
    }
}
