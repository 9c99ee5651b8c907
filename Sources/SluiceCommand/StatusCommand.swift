internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice status`: how a pipeline stands, as its sinks tell.
struct StatusCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how a pipeline's last run stands, in every sink.",
        discussion: CommandHelp(
            "sluice status nightly.yaml",
            "sluice status nightly.yaml --max-age 26h --quiet",
            words: """
                Asks the sinks alone, and only looks: it makes nothing, locks nothing and waits for no run. The age of a \
                run counts from its end. Exits with 65 where --max-age is given and a sink has no complete run that is \
                younger.
                """, exits: CommandHelp.exitsOfSinks + [.incomplete]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(name: .shortAndLong, help: "How it looks: text, or json on one line.")
    var output = OutputFormat.text

    @Option(
        help: ArgumentHelp(
            "Exit with 65 unless every sink has a complete run younger than this: 26h.", valueName: "age"),
        transform: { text in
            guard let age = ScalarForms.duration(text), age > .zero else {
                throw ValidationError("'\(text)' is no age such as 26h, 90m or 30s.")
            }
            return age
        })
    var maxAge: Duration?

    @Flag(name: .shortAndLong, help: "Print no text where the exit code is 0.")
    var quiet = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let plan = try PipelineFile.plan(path: file, host: host, logging: logging)
        let status = await plan.status(maxAge: maxAge)
        await plan.source.lookup?.shutdown()
        if !quiet || output == .json || status.exitCode != 0 {
            Terminal.writeResult(output == .json ? status.json : status.text)
        }
        for sink in status.sinks {
            if let error = sink.error {
                logging.report(
                    "sluice: error: sink '\(sink.name)': \(error)", exitCode: status.exitCode, to: logging.logger())
            }
        }
        if status.exitCode != 0 { throw ExitCode(status.exitCode) }
    }
}

extension PipelineFile {
    /// A pipeline for a command that only looks at its sinks; says what is wrong with its file.
    ///
    /// - Throws: `ExitCode`.
    static func plan(path: String, host: PluginHost, logging: LogOptions) throws -> RunPlan {
        let log = logging.logger()
        do {
            return try PipelineFile(path: path, host: host, log: log, wanted: .sinks).plan()
        } catch let errors as ConfigurationErrors {
            logging.report("\(errors)", exitCode: errors.kind.rawValue, to: log)
            throw ExitCode(errors.kind.rawValue)
        }
    }
}
