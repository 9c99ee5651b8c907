internal import ArgumentParser
internal import Glibc
internal import PipelineCore
internal import PipelineEngine

/// `sluice report`: what a pipeline's stores tell of its last runs.
struct ReportCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Tell of a pipeline's last runs: what ran, what came of it, and what failed.",
        discussion: CommandHelp(
            "sluice report nightly.yaml",
            "sluice report nightly.yaml --runs 30 --output json",
            words: """
                Asks the sinks alone, from any machine that reaches them, and only looks: it makes nothing, locks nothing \
                and waits for no run. Failures are counted by their code; no user ID and no address is printed. Exits with 0 \
                whatever the runs have come to: 'sluice status --max-age' judges.
                """, exits: CommandHelp.exitsOfSinks
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(name: .shortAndLong, help: "How it looks: text, or json on one line.")
    var output = OutputFormat.text

    @Option(help: ArgumentHelp("How many of the last runs are listed.", valueName: "n"))
    var runs = 10

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func validate() throws {
        guard (1...10_000).contains(runs) else { throw ValidationError("--runs is a number from 1 to 10000.") }
    }

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let plan = try PipelineFile.plan(path: file, host: host, logging: logging)
        let report = await plan.storeReport(runs: runs)
        await plan.source.lookup?.shutdown()
        Terminal.writeResult(
            output == .json ? report.json : report.text(style: Terminal.style(of: STDOUT_FILENO)))
        for (sink, error) in report.errors {
            logging.report(
                "sluice: error: sink '\(sink)': \(error)", exitCode: report.exitCode, to: logging.logger())
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}
