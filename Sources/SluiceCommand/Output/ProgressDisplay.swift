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
        var pace = ProgressPace(window: terminal.isInteractive ? .seconds(10) : .seconds(30))
        var next = ContinuousClock.now + interval
        while !Task.isCancelled {
            // More often than it is shown, so that the first line has a rate.
            do { try await Task.sleep(for: min(interval, .seconds(1))) } catch { break }
            let reading = board.current
            let now = ContinuousClock.now
            if !reading.runID.isEmpty { pace.take(reading, at: now) }
            guard now >= next else { continue }
            next = now + interval
            guard !reading.runID.isEmpty else { continue }
            let report = ProgressReport(reading, rate: pace.rate)
            if terminal.isInteractive {
                terminal.showLive(report.text)
            } else {
                log.info("\(report.text)", metadata: fields(reading, report))
            }
        }
        terminal.showLive("")
    }

    private func fields(_ reading: ProgressBoard.Reading, _ report: ProgressReport) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "event": "progress", "run_id": "\(reading.runID)", "records": .stringConvertible(reading.records),
            "failed": .stringConvertible(reading.failed), "parked": .stringConvertible(reading.parked),
            "throttled": .stringConvertible(reading.statistics.throttled),
        ]
        // What isn't known is left out.
        if let rate = report.rate { fields["users_per_second"] = .stringConvertible((rate * 10).rounded() / 10) }
        if let share = report.share { fields["share"] = .stringConvertible((share * 10_000).rounded() / 10_000) }
        if let seconds = report.secondsLeft {
            fields["seconds_left"] = .stringConvertible(Int(min(seconds, 1e9).rounded()))
        }
        return fields
    }
}
