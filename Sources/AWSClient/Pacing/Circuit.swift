/// Tells an outage from failures of single calls, so that an outage fails no user. Pure; times in monotonic seconds.
///
/// - Before the service's first answer: an unknown host name or a certificate that doesn't verify ends everything at
///   once; refused connections end it after 10 s, anything else after 30 s. Until then one attempt a second goes out.
/// - Afterwards: 20 attempts in a row over at least 1 s without an answer other than 5xx open the circuit. One probe a
///   second goes out, until one is answered or the outage has lasted too long.
package struct Circuit: Sendable {
    /// Why an attempt brought no answer other than 5xx.
    package enum Failure: Sendable, Hashable {
        case serverError
        case refused
        case timeout
        case unknownHost
        case certificate
        case other
    }

    /// Why everything has ended.
    package enum End: Sendable, Hashable {
        /// There was no answer for too long.
        case away
        /// There never was one, and waiting won't bring it: an unknown host, or a certificate that doesn't verify.
        case unreachable
    }

    private enum Phase: Sendable {
        case unproven
        case closed
        /// `proven`: there was an answer before.
        case open(since: Double, proven: Bool)
        case ended(End)
    }

    package static let failuresToOpen = 20
    package static let secondsToOpen = 1.0
    package static let probeInterval = 1.0

    private let outage: Double
    private var phase = Phase.unproven
    private var failuresInARow = 0
    private var firstFailure = 0.0
    private var lastProbe = 0.0
    private var lastFailure = Failure.other

    /// - Parameter outage: seconds that an open circuit is borne.
    package init(outage: Double) { self.outage = outage }

    package var isOpen: Bool { if case .open = phase { true } else { false } }
    package var end: End? { if case .ended(let end) = phase { end } else { nil } }
    package var hasEnded: Bool { end != nil }
    /// True once the service has answered anything at all.
    package var isProven: Bool {
        switch phase {
        case .closed: true
        case .open(_, let proven): proven
        case .unproven, .ended: false
        }
    }

    /// When the next probe may go out; nil while the circuit isn't open.
    package var nextProbe: Double? { isOpen ? lastProbe + Self.probeInterval : nil }

    /// Since when the circuit is open.
    package var openSince: Double? { if case .open(let since, _) = phase { since } else { nil } }

    /// When an open circuit ends everything, if nothing changes until then.
    package var endsAt: Double? {
        guard case .open(let since, let proven) = phase else { return nil }
        if proven { return since + outage }
        return since + (lastFailure == .refused ? 10 : 30)
    }

    package mutating func probeSent(now: Double) { lastProbe = now }

    /// An answer other than 5xx.
    package mutating func answered() {
        guard !hasEnded else { return }
        phase = .closed
        failuresInARow = 0
    }

    /// An attempt without such an answer.
    ///
    /// - Returns: true where this failure is the outage's and not the call's: it counts against no call.
    package mutating func failed(_ failure: Failure, now: Double) -> Bool {
        lastFailure = failure
        switch phase {
        case .ended: return true
        case .open(_, let proven):
            if failure == .serverError, !proven, let since = openSince {
                // The service exists; from here on it has the time that an outage has.
                phase = .open(since: since, proven: true)
            }
            endIfDue(now: now)
            return true
        case .unproven where failure != .serverError:
            phase = .open(since: now, proven: false)
            lastProbe = now
            endIfDue(now: now)
            return true
        case .unproven, .closed:
            phase = .closed
            if failuresInARow == 0 { firstFailure = now }
            failuresInARow += 1
            guard failuresInARow >= Self.failuresToOpen, now - firstFailure >= Self.secondsToOpen else { return false }
            phase = .open(since: now, proven: true)
            lastProbe = now
            return true
        }
    }

    /// Ends everything where the time for it has come.
    package mutating func endIfDue(now: Double) {
        guard case .open(_, let proven) = phase, let endsAt else { return }
        let isHopeless = !proven && (lastFailure == .unknownHost || lastFailure == .certificate)
        if isHopeless || now >= endsAt { phase = .ended(isHopeless ? .unreachable : .away) }
    }
}
