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

            Exit codes: \(ExitStatus.all.map { "\($0.number) \($0.words)" }.joined(separator: "; ")).
            """)

    @Argument(help: ArgumentHelp("The pipeline's file.", valueName: "file"))
    var file: String

    @Flag(help: "Give an unfinished run up and begin again, or do a complete one again.")
    var fresh = false

    @Option(
        help: ArgumentHelp(
            "Let this run pass brakes: failed, absent, removed, empty, separated by commas.", valueName: "brakes"))
    var accept: [AcceptedBrakes] = []

    @Flag(
        name: .customLong("retry"),
        help: "Ask once more for what failed, before the run ends and is published.")
    var retriesFailures = false

    @Option(
        help: ArgumentHelp(
            "The date the run is for, as 2026-11-23 or 2026-11-23T04:00:00Z; a date that is done does nothing.",
            valueName: "time"),
        transform: { text in
            guard let date = Timestamp(text) else {
                throw ValidationError("'\(text)' is no date such as 2026-11-23 or 2026-11-23T04:00:00Z.")
            }
            return date
        })
    var logicalDate: Timestamp?

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
            logicalDate: logicalDate, fresh: fresh, accepted: Set(accept.flatMap(\.brakes)),
            retriesFailures: retriesFailures)
        try await call.perform { await $0.run(request) }
    }
}

/// How a summary is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json

    /// The summary on standard output, and what went wrong on standard error.
    ///
    /// - Parameter log: Where standard error holds nothing but lines of the log: it has the error already, and is told what
    ///   else there is to say.
    func print(_ report: RunReport, log: Logger? = nil) {
        if let summary = report.summary { Terminal.writeResult(self == .json ? summary.json : summary.text) }
        if let error = report.error {
            if log == nil { Terminal.standardError.writeLine("sluice: error: \(error)") }
        } else if report.exitCode != 0, let shortcoming = report.summary?.shortcoming {
            if let log {
                log.error("\(shortcoming)")
            } else {
                Terminal.standardError.writeLine("sluice: \(shortcoming)")
            }
        }
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
