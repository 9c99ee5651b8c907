internal import ArgumentParser
internal import Logging
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice run`: does what a pipeline says, or goes on with it.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a pipeline, or go on with the run that was stopped.",
        discussion: """
            Results go to standard output, logs and progress to standard error. The first SIGINT or SIGTERM finishes the \
            commit at hand and stops; a second one stops at once. Either way the next call goes on where it stopped.

            Exit codes: 0 complete; 64 usage; 65 complete, but more failed than accepted; 66 input missing or changed; \
            69 the source or a sink is unavailable; 70 a fault of the program; 73 cannot create the output; 74 the \
            output's I/O failed; 75 stopped early or locked; 76 a brake; 77 credentials or permission; 78 configuration.
            """)

    @Argument(help: ArgumentHelp("The pipeline's file.", valueName: "file"))
    var file: String

    @Flag(help: "Give an unfinished run up and begin again, or do a complete one again.")
    var fresh = false

    @Option(
        help: ArgumentHelp(
            "Let this run pass brakes: failed, absent, removed, empty, separated by commas.", valueName: "brakes"))
    var accept: [AcceptedBrakes] = []

    @Option(
        help: ArgumentHelp(
            "The date the run is for, as 2026-11-23 or 2026-11-23T04:00:00Z; a date that is done does nothing.",
            valueName: "time"),
        transform: { text in
            guard let date = LogicalDate(text) else {
                throw ValidationError("'\(text)' is no date such as 2026-11-23 or 2026-11-23T04:00:00Z.")
            }
            return date
        })
    var logicalDate: LogicalDate?

    @OptionGroup(title: "Part of the input") var part: InputPart

    @Option(help: "How the summary looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(help: "Show no progress and log warnings and errors alone.")
    var quiet = false

    @Flag(name: .customLong("log-user-ids"), help: "Log user IDs as they are; without it they are hashed.")
    var logUserIDs = false

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run() async throws {
        let call = PipelineCall(
            file: file, part: part, output: output, isQuiet: quiet, logsUserIDs: logUserIDs, logging: logging)
        let request = RunRequest(
            logicalDate: logicalDate, fresh: fresh, accepted: Set(accept.flatMap(\.brakes)))
        try await call.perform { await $0.run(request) }
    }
}

/// How a summary is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json

    /// The summary on standard output, and what went wrong on standard error.
    ///
    /// - Parameters:
    ///   - isLimited: The run was about the input's first records alone.
    ///   - log: Where standard error holds nothing but lines of the log: it has the error already, and is told what else
    ///     there is to say.
    func print(_ report: RunReport, isLimited: Bool = false, log: Logger? = nil) {
        if let summary = report.summary { Terminal.writeResult(self == .json ? summary.json : summary.text) }
        if let error = report.error {
            if log == nil { Terminal.standardError.writeLine("sluice: error: \(error)") }
        } else if report.exitCode != 0, let summary = report.summary {
            let shortcoming = Self.shortcoming(of: summary, isLimited: isLimited)
            if let log {
                log.error("\(shortcoming)")
            } else {
                Terminal.standardError.writeLine("sluice: \(shortcoming)")
            }
        }
    }

    /// Why a run that came to its end isn't a success.
    private static func shortcoming(of summary: RunSummary, isLimited: Bool) -> String {
        let counts = summary.counts
        if summary.state == .unpublished, isLimited {
            return
                "a run with --limit is never published: what was there stays. Run with --fresh and without --limit to "
                + "give this run up and do all"
        }
        // After a crash or a retry one sink may have failures that the first one hasn't.
        let most = summary.sinks.max { $0.counts.failed < $1.counts.failed }
        let mostFailed = max(counts.failed, most?.counts.failed ?? 0)
        let place = mostFailed > counts.failed ? most.map { " in sink '\($0.name)'" } ?? "" : ""
        let failed = "\(mostFailed) of \(counts.records) records failed\(place), more than accept_failed allows"
        if summary.state == .unpublished {
            let waiting = summary.sinks.filter { $0.state == .unpublished }.map { "'\($0.name)'" }
            return "\(failed): sink \(waiting.joined(separator: ", ")) keeps what it had, and no new run begins; "
                + "the failures say which and why. sluice retry asks again for the users among them, and publishes when "
                + "few enough are left; or raise accept_failed and run again to publish what was fetched, or run with "
                + "--fresh to give it up and begin again"
        }
        let refusals = summary.sinks.filter { $0.counts.refused > 0 }.map {
            "sink '\($0.name)' refused \($0.counts.refused) records because of their content"
        }
        let reasons = (mostFailed > 0 || refusals.isEmpty ? [failed] : []) + refusals
        return "complete, but \(reasons.joined(separator: "; ")); the failures say which and why, and sluice retry "
            + "asks again for the users among them"
    }
}

/// `failed,absent` as one argument.
struct AcceptedBrakes: ExpressibleByArgument {
    var brakes: [AcceptedBrake]

    init?(argument: String) {
        brakes = []
        for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let brake = AcceptedBrake(rawValue: String(name)) else { return nil }
            brakes.append(brake)
        }
    }
}
