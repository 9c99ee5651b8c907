internal import ArgumentParser
internal import PipelineEngine

/// `sluice retry`: fetches again what failed, and amends the last run.
struct RetryCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Fetch the last run's failures again, and amend that run.",
        discussion: CommandHelp(
            "sluice retry nightly.yaml",
            "sluice retry nightly.yaml --accept removed",
            words: """
                The rows of users that succeed now take the place of their failures, as if these users had never failed, \
                and the run's counts are corrected. A 'replace' that waits is published when few enough failures are left. \
                It may be stopped, killed and called again, as a run may.

                Records without a usable ID and an archive's records can't be fetched: they stay failures. Published \
                NDJSON is never changed: 'sluice run --retry' asks again before it publishes.
                """, exits: CommandHelp.exitsOfARun
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(
        help: ArgumentHelp(
            "Let the retry pass brakes: absent, removed, separated by commas.", valueName: "brakes"))
    var accept: [AcceptedBrakes] = []

    @OptionGroup var options: CallOptions

    var settings: SettingsOptions { options.settings }
    var logging: LogOptions { options.logging }

    func run(_ host: PluginHost) async throws {
        try await PipelineCall(file: file, options: options, host: host).perform {
            [await $0.retry(accepted: Set(accept.flatMap(\.brakes)))]
        }
    }
}
