internal import PipelineCore

/// Users who hold up all others are parked, and asked again at the end.
extension LookupSource {
    func isDecided(_ ordinal: Int) -> Bool { ordinal < decidedBelow }

    func parkIfStalled() {
        guard consumer != nil, phase == .input, failure == nil, sinksWait(), !lookup.isHeld,
            let head = window.headUnderWay, !isDecided(head.ordinal), let sent = head.call.firstSent
        else { return }
        let waited = ContinuousClock.now - sent
        guard waited >= policy.parkAfter, window.isFull || isStalledTail(waited) else { return }
        calls.removeValue(forKey: head.ticket)?.cancel()
        window.setHeadAside()
        advance()
    }

    /// At the end of the input the window can't fill any more, yet one stalled user would hold the run as long: once
    /// all is sent and everything still under way waits far beyond what is usual, the head is parked as well.
    private func isStalledTail(_ waited: Duration) -> Bool {
        guard readerEnd != nil, pending.isEmpty, window.allStarted, let latest = window.latestSent else { return false }
        let usual = Duration.seconds(4 * (lookup.statistics.latency ?? 0))
        let youngest = ContinuousClock.now - latest
        return waited >= usual && youngest >= max(policy.parkAfter, usual)
    }

    func park(_ entry: OrderedWindow.Entry) -> SourceEvent {
        let record = ParkedRecord(ordinal: entry.ordinal, position: entry.position)
        parked.append((record, entry.input))
        if parked.count > policy.maxParked {
            stop(
                with: PipelineError(
                    .unavailable, "more than \(policy.maxParked) users were parked because their answers don't come",
                    hint: "The service answers too slowly. Run again later; the run resumes where it stopped."))
        }
        return .parked(record, next: entry.input.next, hashedBytes: entry.input.hashedBytes)
    }
}
