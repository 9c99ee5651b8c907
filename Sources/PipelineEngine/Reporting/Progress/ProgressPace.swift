/// The rate of a run over a sliding window of time.
package struct ProgressPace {
    private let window: Duration
    private var runID = ""
    private var samples: [(instant: ContinuousClock.Instant, count: Int)] = []

    package init(window: Duration) { self.window = window }

    /// Takes a reading. Another run begins anew: its records are counted from 0.
    package mutating func take(_ reading: ProgressBoard.Reading, at instant: ContinuousClock.Instant) {
        if reading.runID != runID || (samples.last?.count ?? 0) > reading.processed {
            runID = reading.runID
            samples = []
        }
        samples.append((instant, reading.processed))
        while samples.count > 2, instant - samples[1].instant >= window { samples.removeFirst() }
    }

    /// Records a second since the oldest reading within the window; nil as long as there is one reading, or no record.
    package var rate: Double? {
        guard let first = samples.first, let last = samples.last, last.count > 0 else { return nil }
        let elapsed = last.instant - first.instant
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        return seconds > 0 ? Double(last.count - first.count) / seconds : nil
    }
}
