internal import ArgumentParser
internal import PipelineCore
internal import PipelineEngine

/// `sluice plan`: what a run would do.
struct PlanCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what a run would do: begin, go on or nothing; how long it takes; what it makes.",
        discussion: CommandHelp(
            "sluice plan nightly.yaml",
            "sluice plan nightly.yaml --logical-date 2026-11-23 --output json",
            words: """
                Counts the input where that is cheap, looks at every sink, and writes nothing. 'sluice run --dry-run' is \
                the same. Exits with 0 where a run would begin, go on or find nothing to do, else with the code that it \
                would end with.
                """, exits: CommandHelp.exitsOfARun
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @OptionGroup var run: RunOptions

    @OptionGroup(title: "Part of the input") var part: InputPart

    @Option(name: .shortAndLong, help: "How it looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(help: "Print the statements that a run begins with too, for whoever may create tables.")
    var ddl = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try await RunPreparation(
            file: file, part: part, settings: settings, logging: logging, output: output, printsStatements: ddl
        ).tell(run.request, host)
    }
}

/// What `plan` and `run --dry-run` do.
struct RunPreparation {
    let file: String
    let part: InputPart
    let settings: SettingsOptions
    let logging: LogOptions
    let output: OutputFormat
    var printsStatements = false

    func tell(_ request: RunRequest, _ host: PluginHost) async throws {
        try ProcessLimits.looked()
        let shard = try part.chosenShard()
        let pipeline = try PipelineFile.read(file, host, logging, settings, shards: shard.count)
        let plan = pipeline.plan(shard: shard, limit: part.limit)
        let outlook = await plan.outlook(request)
        await plan.source.lookup?.shutdown()
        Terminal.writeResult(output == .json ? outlook.json : outlook.text)
        if printsStatements, output == .text { Terminal.writeResult("\n" + outlook.statements) }
        guard case .refusal(let error) = outlook.action else { return }
        logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: logging.logger())
        throw ExitCode(error.exitCode)
    }
}
