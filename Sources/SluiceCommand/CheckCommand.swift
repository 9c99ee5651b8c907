internal import ArgumentParser
internal import Glibc
internal import LocalFiles
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice check`: opens everything that a run needs, and writes nothing.
struct CheckCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Open everything that a pipeline needs, and say of each part whether it is well.",
        discussion: CommandHelp(
            "sluice check nightly.yaml",
            "sluice check nightly.yaml --env-file /etc/sluice/nightly.env --output json",
            words: """
                Reads the first 1,000 IDs or records, finds credentials, makes one call, and looks at every sink. A line \
                for each: 'ok', 'doubt' where a run would begin though it may not be meant so, 'FAIL' where it wouldn't, \
                each with what to do. Writes nothing. The exit code is that of the first failure, which a run would end with.
                """, exits: CommandHelp.exitsOfARun
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(name: .shortAndLong, help: "How it looks: text, or json on one line.")
    var output = OutputFormat.text

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked()
        let pipeline = try PipelineFile.read(file, host, logging, settings, mayAskInstance: true)
        let plan = pipeline.plan()
        var check = PipelineCheck()
        let configuration = pipeline.configuration
        await check.add("state") {
            let folder = configuration.stateDirectory
            if try PrivateFolder.check(folder) { return [.ok("\(folder) is this user's alone")] }
            _ = try WritablePlace(folder: folder)
            return [.ok("\(folder) will be made")]
        }
        if let path = configuration.reportPath {
            await check.add("report") {
                try ReportFile(path: path).requireReplaceable()
                return [.ok("\(path) can be written")]
            }
        }
        await plan.check(&check)
        await plan.source.lookup?.shutdown()
        let width = isatty(STDOUT_FILENO) == 1 ? Terminal.width(of: STDOUT_FILENO) : nil
        Terminal.writeResult(output == .json ? check.json : String(check.text(width: width).dropLast()))
        if check.exitCode != 0 { throw ExitCode(check.exitCode) }
    }
}
