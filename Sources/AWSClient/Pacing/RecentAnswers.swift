/// What the last second brought, in slots of 50 ms. Pure; times in monotonic seconds.
struct RecentAnswers: Sendable {
    private struct Slot: Sendable {
        var accepted = 0
        var throttled = 0
    }

    private var slots = Array(repeating: Slot(), count: Self.slotCount)
    /// The slot of the last answer, counted from the start of time.
    private var current = Int.min
    private var activeSince = -Double.infinity
    private var lastAnswer = -Double.infinity

    mutating func note(isThrottled: Bool, now: Double) {
        if now - lastAnswer > Self.gap { activeSince = now }
        lastAnswer = now
        advance(to: now)
        if isThrottled {
            slots[index(current)].throttled += 1
        } else {
            slots[index(current)].accepted += 1
        }
    }

    /// Answers of the last second that weren't throttled: a rate per second.
    mutating func accepted(now: Double) -> Double {
        advance(to: now)
        // The slot of this moment has only begun.
        let covered = Double(Self.slotCount - 1) * Self.slotSeconds + (now - Double(current) * Self.slotSeconds)
        return Double(slots.reduce(0) { $0 + $1.accepted }) / covered
    }

    /// True where so many of the last second's answers were throttled that a limit was passed: chance alone, at 5 %, would
    /// need an hour at 50/s to look like it.
    mutating func isHeavilyThrottled(now: Double) -> Bool {
        advance(to: now)
        let throttled = slots.reduce(0) { $0 + $1.throttled }
        let all = slots.reduce(0) { $0 + $1.accepted } + throttled
        return throttled >= 10 && throttled * 5 >= all
    }

    /// True where answers came during the whole of the last second, so that their number is a rate.
    func isWhole(now: Double) -> Bool { now - activeSince >= 1 }

    private mutating func advance(to now: Double) {
        let slot = Int(now / Self.slotSeconds)
        guard slot > current else { return }
        // Without overflow for the very first slot.
        let skipped = current == .min ? Self.slotCount : min(slot - current, Self.slotCount)
        for step in 0..<skipped { slots[index(slot - step)] = Slot() }
        current = slot
    }

    private func index(_ slot: Int) -> Int { ((slot % Self.slotCount) + Self.slotCount) % Self.slotCount }

    private static let slotSeconds = 0.05
    private static let slotCount = 20
    /// A longer time without an answer is idleness, a hold or an outage.
    private static let gap = 0.5
}
