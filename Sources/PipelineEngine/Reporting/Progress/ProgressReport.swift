internal import PipelineCore

/// What a display tells of a run under way, in words and in figures.
package struct ProgressReport: Sendable {
    private let reading: ProgressBoard.Reading
    /// Records a second; nil as long as there is none to tell.
    package let rate: Double?

    package init(_ reading: ProgressBoard.Reading, rate: Double?) {
        self.reading = reading
        self.rate = rate
    }

    /// Of the input, from 0 to 1; nil where that isn't known.
    package var share: Double? {
        guard let fraction = reading.fraction, fraction.isFinite, fraction > 0 else { return nil }
        return min(1, fraction)
    }

    /// Until the end of the input; nil where that isn't known.
    package var secondsLeft: Double? {
        guard let share, let rate, rate > 0 else { return nil }
        return Double(reading.records) * (1 - share) / share / rate
    }

    /// One line.
    package var text: String {
        var parts = ["\(reading.records) done"]
        if let rate { parts.append("\(Int(rate.rounded()))/s") }
        let statistics = reading.statistics
        if statistics.throttled > 0 { parts.append("\(statistics.throttled) throttled") }
        if reading.failed > 0 { parts.append("\(reading.failed) failed") }
        if reading.parked > 0 { parts.append("\(reading.parked) parked") }
        if let latency = statistics.latency { parts.append("\(Int((latency * 1000).rounded())) ms") }
        if let share {
            // 100 % is all of it.
            let percent = "\(Int(share * 100)) %"
            if share < 1, let secondsLeft {
                parts.append("\(Self.describe(seconds: secondsLeft)) left (\(percent))")
            } else {
                parts.append(percent)
            }
        }
        if let hold = statistics.hold { parts.append(hold) }
        return parts.joined(separator: " · ")
    }

    private static func describe(seconds: Double) -> String {
        // A rate near zero makes it longer than anybody waits, and than an integer holds.
        let seconds = Int(min(seconds, 1e9).rounded())
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}

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
