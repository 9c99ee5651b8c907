internal import ArgumentParser
internal import PipelineCore
internal import PipelineEngine

/// `sluice run`: does what a pipeline says, or goes on with it.
struct RunCommand: PipelineCommand {
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

    @OptionGroup var options: CallOptions

    var settings: SettingsOptions { options.settings }
    var logging: LogOptions { options.logging }

    func run(_ host: PluginHost) async throws {
        let request = RunRequest(
            logicalDate: logicalDate, fresh: fresh, accepted: Set(accept.flatMap(\.brakes)),
            retriesFailures: retriesFailures)
        try await PipelineCall(file: file, options: options, host: host).perform { await $0.run(request) }
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
