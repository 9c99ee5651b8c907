internal import ArgumentParser
internal import PipelineCore
internal import PipelineEngine

/// `sluice run`: does what a pipeline says, or goes on with it.
struct RunCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a pipeline, or go on with the run that was stopped.",
        discussion: CommandHelp(
            "sluice run nightly.yaml",
            "sluice run nightly.yaml --logical-date 2026-11-23 --output json",
            words: """
                Results go to standard output, logs and progress to standard error. The first SIGINT or SIGTERM finishes \
                the commit at hand and stops; a second one stops at once. Either way the next call goes on where it stopped.
                """, exits: CommandHelp.exitsOfARun
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @OptionGroup var choices: RunOptions

    @Flag(help: "Say what the run would do, as 'sluice plan' does, and do nothing.")
    var dryRun = false

    @OptionGroup var options: CallOptions

    var settings: SettingsOptions { options.settings }
    var logging: LogOptions { options.logging }

    func run(_ host: PluginHost) async throws {
        if dryRun {
            return try await RunPreparation(
                file: file, part: options.part, settings: settings, logging: logging, output: options.output
            ).tell(choices.request, host)
        }
        let request = choices.request
        try await PipelineCall(file: file, options: options, host: host).perform { await $0.run(request) }
    }
}
