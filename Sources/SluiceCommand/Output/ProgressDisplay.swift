internal import Logging
internal import PipelineCore
internal import PipelineEngine

/// Shows how a run stands: one live line on a terminal, otherwise a log line every 30 seconds.
struct ProgressDisplay: Sendable {
    let board: ProgressBoard
    let log: Logger
    /// Nothing is shown at all.
    let isQuiet: Bool

    /// Shows until it is cancelled.
    func run() async {
        guard !isQuiet else { return }
        let terminal = Terminal.standardError
        let interval: Duration = terminal.isInteractive ? .milliseconds(200) : .seconds(30)
        var pace = Pace(window: terminal.isInteractive ? .seconds(10) : .seconds(30))
        while !Task.isCancelled {
            do { try await Task.sleep(for: interval) } catch { break }
            let reading = board.current
            guard !reading.runID.isEmpty else { continue }
            let rate = pace.rate(at: .now, count: reading.processed)
            let line = describe(reading, rate: rate)
            if terminal.isInteractive {
                terminal.showLive(line)
            } else {
                log.info("\(line)", metadata: fields(reading, rate: rate))
            }
        }
        terminal.showLive("")
    }

    private func fields(_ reading: ProgressBoard.Reading, rate: Double) -> Logger.Metadata {
        [
            "event": "progress", "run_id": "\(reading.runID)", "records": .stringConvertible(reading.records),
            "failed": .stringConvertible(reading.failed), "set_aside": .stringConvertible(reading.parked),
            "throttled": .stringConvertible(reading.statistics.throttled),
            "users_per_second": .stringConvertible((rate * 10).rounded() / 10),
        ]
    }

    private func describe(_ reading: ProgressBoard.Reading, rate: Double) -> String {
        var parts = ["\(reading.records) done", "\(Int(rate.rounded()))/s"]
        let statistics = reading.statistics
        if statistics.throttled > 0 { parts.append("\(statistics.throttled) throttled") }
        if reading.failed > 0 { parts.append("\(reading.failed) failed") }
        if reading.parked > 0 { parts.append("\(reading.parked) set aside") }
        if let latency = statistics.latency { parts.append("\(Int((latency * 1000).rounded())) ms") }
        if let fraction = reading.fraction, fraction > 0, fraction < 1, rate > 0 {
            let left = Double(reading.records) * (1 - fraction) / fraction / rate
            parts.append("\(describe(seconds: left)) left (\(Int(fraction * 100)) %)")
        }
        if let hold = statistics.hold { parts.append(hold) }
        return parts.joined(separator: " · ")
    }

    private func describe(seconds: Double) -> String {
        let seconds = Int(seconds.rounded())
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}

/// A rate over a sliding window of time.
private struct Pace {
    let window: Duration
    private var samples: [(instant: ContinuousClock.Instant, count: Int)] = []

    init(window: Duration) { self.window = window }

    /// Counts a second since the oldest sample within the window.
    mutating func rate(at instant: ContinuousClock.Instant, count: Int) -> Double {
        samples.append((instant, count))
        while samples.count > 2, instant - samples[1].instant >= window { samples.removeFirst() }
        guard let first = samples.first else { return 0 }
        let elapsed = instant - first.instant
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        return seconds > 0 ? Double(count - first.count) / seconds : 0
    }
}
