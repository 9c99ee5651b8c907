internal import ArgumentParser
internal import PipelineEngine

/// `sluice retry`: fetches again what failed, and amends the last run.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Fetch the last run's failures again, and amend that run.",
        discussion: """
            The rows of users that succeed now take the place of their failures, as if these users had never failed, and the \
            run's counts are corrected. A 'replace' that waits is published when few enough failures are left. It may be \
            stopped, killed and called again, as a run may; the exit codes are those of 'sluice run'.

            Records without a usable ID and an archive's records can't be fetched: they stay failures. Published NDJSON is \
            never changed: 'sluice run --retry' asks again before it publishes.
            """)

    @Argument(help: ArgumentHelp("The pipeline's file.", valueName: "file"))
    var file: String

    @Option(
        help: ArgumentHelp(
            "Let the retry pass brakes: absent, removed, separated by commas.", valueName: "brakes"))
    var accept: [AcceptedBrakes] = []

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
        try await call.perform { [await $0.retry(accepted: Set(accept.flatMap(\.brakes)))] }
    }
}
