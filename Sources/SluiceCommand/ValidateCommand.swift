internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// `sluice validate`: what is wrong with pipelines, without running them.
struct ValidateCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check pipelines, and say everything that is wrong with them at once.",
        discussion: "Opens nothing, calls nobody, needs no credentials. Exits with 78 where a pipeline is wrong.")

    @Argument(help: ArgumentHelp("The pipelines' files.", valueName: "file"))
    var files: [String]

    @OptionGroup var settings: SettingsOptions

    @OptionGroup var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        var worst: PipelineError.Kind?
        for file in files {
            do {
                let pipeline = try PipelineFile(path: file, host: host, log: logging.logger())
                for warning in pipeline.configuration.warnings { Terminal.standardError.writeLine("\(warning)") }
                Terminal.writeResult("\(file): \(pipeline.account)")
                if let note = pipeline.noteOnPlainIDs { Terminal.writeResult("\(file): \(note)") }
            } catch let errors as ConfigurationErrors {
                Terminal.standardError.writeLine("\(errors)")
                worst = worst == .configuration ? worst : errors.kind
            }
        }
        if let worst { throw ExitCode(worst.rawValue) }
    }
}

extension PipelineFile {
    /// What masking doesn't reach; nil where no user ID is masked.
    fileprivate var noteOnPlainIDs: String? {
        let transforms = configuration.transforms + configuration.sinks.flatMap(\.transforms)
        guard transforms.contains(where: { $0.idMask(for: .user) != nil }) else { return nil }
        return "User.UserId is masked in all that is written, but until a run is complete its spool in "
            + "'\(configuration.stateDirectory)' and the position in its checkpoint may hold plain IDs"
    }

    /// One line that says what the pipeline is, and what it guarantees.
    fileprivate var account: String {
        let sinks = configuration.sinks.map { "\($0.sink.name) (\($0.sink.mode.rawValue), exactly once)" }
        return "'\(configuration.pipeline)' is valid: \(configuration.sourceTypeName) → "
            + sinks.joined(separator: ", ")
    }
}
