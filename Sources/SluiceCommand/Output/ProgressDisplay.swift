internal import Logging
internal import PipelineCore
internal import PipelineEngine
internal import UnixSignals

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
        let redrawing = terminal.isInteractive ? Task { await redraw(terminal) } : nil
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
            let report = ProgressReport(reading, rate: pace.rate)
            guard report.isTelling else {
                terminal.showLive(nil)
                continue
            }
            if terminal.isInteractive {
                terminal.showLive { [style = terminal.style] in report.line(width: $0, style: style) }
            } else {
                log.info("\(report.text)", metadata: report.fields)
            }
        }
        redrawing?.cancel()
        terminal.showLive(nil)
    }

    /// Draws again where the terminal has another size, or where the process was stopped and goes on.
    private func redraw(_ terminal: Terminal) async {
        for await _ in await UnixSignalsSequence(trapping: .sigwinch, .sigcont) { terminal.redraw() }
    }
}
