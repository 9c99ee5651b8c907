internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice verify`: whether all sinks hold the same rows of the last complete run.
struct VerifyCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare the rows of the last complete run in all sinks.",
        discussion: CommandHelp(
            "sluice verify nightly.yaml",
            "sluice verify nightly.yaml --output json",
            words: """
                Each table's rows are counted, and the 128-bit hashes of their values are summed, whatever order, store or \
                mode they stand in; where that differs, the first differing keys are named, and the columns that differ. \
                Values are never printed; keys hold user IDs, and are printed on standard output. Each sink is checked \
                against its own account too: the run's counts, and in NDJSON the manifest's rows, bytes and SHA-256.

                Exits with 65 where something differs, 66 where no run is complete in every sink, and 75 where a later run \
                has begun to take the place of the rows.
                """, exits: CommandHelp.exitsOfSinks + [.incomplete]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(name: .shortAndLong, help: "How the result looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(name: .shortAndLong, help: "Print no text where the exit code is 0.")
    var quiet = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let log = logging.logger()
        let pipeline: PipelineFile
        do {
            pipeline = try PipelineFile(path: file, host: host, log: log, wanted: .sinks)
        } catch let errors as ConfigurationErrors {
            logging.report("\(errors)", exitCode: errors.kind.rawValue, to: log)
            throw ExitCode(errors.kind.rawValue)
        }
        let plan = pipeline.plan()
        let report = await plan.verification(
            transformed: pipeline.configuration.sinks.map { !$0.transforms.isEmpty })
        await plan.source.lookup?.shutdown()
        if !quiet || output == .json || report.exitCode != 0 {
            Terminal.writeResult(output == .json ? report.json : report.text)
        }
        if let error = report.error {
            logging.report("sluice: error: \(error)", exitCode: report.exitCode, to: log)
        } else if !report.isEqual {
            logging.report(
                "sluice: the sinks differ: standard output says where", exitCode: report.exitCode, to: log)
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}
