internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// What the command line says of a pipeline: where its variables are, and what counts in place of its options.
struct SettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take environment variables from this file, NAME=value a line, before anything else is read.",
            valueName: "file"))
    var envFile: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Set an option in place of what the file says, by its path: sinks.0.path=out, sinks.warehouse.mode=append. Text, "
                + "or YAML in brackets, braces or quotes; relative paths begin where those of the file do.",
            valueName: "key=value"),
        transform: { text in
            guard let setting = PipelineSetting(text) else {
                throw ValidationError("'\(text)' is no KEY=VALUE, such as batch_size=100.")
            }
            return setting
        })
    var set: [PipelineSetting] = []
}

/// A command that reads a pipeline, and with it the environment.
protocol PipelineCommand: HostedCommand {
    var settings: SettingsOptions { get }
    var logging: LogOptions { get }
}

extension PipelineCommand {
    /// Sets the variables of `--env-file`. To be called first of all.
    ///
    /// - Throws: `ExitCode`, once it is told what is wrong with the file.
    func takeSettings() throws {
        guard let path = settings.envFile else { return }
        do { try EnvironmentFile(path: path).apply() } catch let errors as ConfigurationErrors {
            logging.report("\(errors)", exitCode: errors.kind.rawValue, to: logging.logger())
            throw ExitCode(errors.kind.rawValue)
        }
    }
}
