internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// Where a command finds the variables that a pipeline names.
struct SettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take environment variables from this file, NAME=value a line, before anything else is read.",
            valueName: "file"))
    var envFile: String?
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
