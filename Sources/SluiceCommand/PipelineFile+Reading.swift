internal import ArgumentParser
internal import Logging
internal import PipelineConfig
internal import PipelineCore

extension PipelineFile {
    /// A pipeline for a command that runs nothing; says what is wrong with its file, and what is worth a word.
    ///
    /// - Throws: `ExitCode`.
    static func read(
        _ path: String, _ host: PluginHost, _ logging: LogOptions, _ settings: SettingsOptions, shards: Int = 1,
        mayAskInstance: Bool = false, wanted: PipelineConfigurationLoader.Wanted = .everything
    ) throws -> PipelineFile {
        let log = logging.logger()
        do {
            let pipeline = try PipelineFile(
                path: path, host: host, log: log, mayAskInstance: mayAskInstance, shards: shards, wanted: wanted)
            for warning in pipeline.configuration.warnings {
                switch logging.logFormat {
                case .text: Terminal.standardError.writeLine("\(warning)")
                case .json: log.warning("\(warning)")
                }
            }
            return pipeline
        } catch let errors as ConfigurationErrors {
            logging.report("\(errors)", exitCode: errors.kind.rawValue, to: log)
            throw ExitCode(errors.kind.rawValue)
        }
    }
}
