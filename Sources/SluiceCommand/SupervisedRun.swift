internal import Glibc
internal import Logging
internal import PipelineCore
internal import PipelineEngine
internal import UnixSignals

/// A run with what a process adds to it: signals, the progress display, and the end of its connections.
struct SupervisedRun {
    let plan: RunPlan
    let log: Logger
    let isQuiet: Bool

    func run(_ request: RunRequest) async -> [RunReport] { await supervised { await $0.run(request) } }

    func retry(accepted: Set<AcceptedBrake>) async -> RunReport {
        await supervised { await $0.retry(accepted: accepted) }
    }

    private func supervised<Result: Sendable>(_ body: (PipelineRunner) async -> Result) async -> Result {
        let stop = StopSignal()
        let board = ProgressBoard()
        // A reader of the output that goes away must not end a run.
        signal(SIGPIPE, SIG_IGN)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watch = Task {
            var first: ContinuousClock.Instant?
            for await signal in signals {
                if let first {
                    // A supervisor may signal the process and its group: that is one request, not two.
                    guard ContinuousClock.now - first > .milliseconds(500) else { continue }
                    Terminal.standardError.showLive(nil)
                    // Open transactions are undone by their stores; the next call goes on from the last commit.
                    Terminal.standardError.writeLine("sluice: stopped at once by a second signal")
                    _exit(PipelineError.Kind.temporary.rawValue)
                }
                first = .now
                log.notice("\(signal) received: finishing the commit at hand, then stopping; again: stop at once")
                stop.request()
            }
        }
        let display = Task { await ProgressDisplay(board: board, log: log, isQuiet: isQuiet).run() }
        let result = await body(PipelineRunner(plan: plan, log: log, stop: stop, board: board))
        display.cancel()
        await display.value
        watch.cancel()
        await plan.source.lookup?.shutdown()
        return result
    }
}
