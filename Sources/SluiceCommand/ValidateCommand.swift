internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// `sluice validate`: what is wrong with pipelines, without running them.
struct ValidateCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check pipelines, and say everything that is wrong with them at once.",
        discussion: CommandHelp(
            "sluice validate nightly.yaml",
            "sluice validate --without-variables --output github pipelines/*.yaml",
            words: """
                Opens nothing, calls nobody, needs no credentials. What is wrong stands on standard error, a line each: \
                file:line:column: error: what it is (what to do). As JSON it is one document on one line of standard \
                output; for GitHub it is workflow commands, which show it beside the lines.
                """, exits: CommandHelp.exitsOfAFile
        ).text)

    @Argument(
        help: ArgumentHelp("The pipelines' files; - is standard input.", valueName: "file"),
        completion: PipelineFile.completion)
    var files: [String]

    @Option(name: .shortAndLong, help: "How the result looks: text, json on one line, or github for its workflows.")
    var output = ValidationOutput.text

    @Flag(
        help: """
            Take variables that aren't set, and files of values that aren't there, for values that fit: for a check of \
            pipelines where nothing of what they refer to is at hand.
            """)
    var withoutVariables = false

    @Flag(name: .shortAndLong, help: "Print no text of a pipeline that is valid.")
    var quiet = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        var results = try files.map { file in
            do {
                let pipeline = try PipelineFile(
                    path: file, host: host, log: logging.logger(), wanted: withoutVariables ? .text : .everything)
                return ValidatedFile(file: file, pipeline: pipeline)
            } catch let errors as ConfigurationErrors {
                return ValidatedFile(file: file, errors: errors)
            }
        }
        if quiet { for index in results.indices { results[index].accounts = [] } }
        output.print(results)
        let kinds = results.compactMap(\.failure)
        if kinds.contains(.configuration) { throw ExitCode(PipelineError.Kind.configuration.rawValue) }
        if let kind = kinds.first { throw ExitCode(kind.rawValue) }
    }
}

/// What came of one file.
struct ValidatedFile {
    var file: String
    /// Nil where it is wrong.
    var pipeline: String?
    /// What a valid pipeline is, a line each.
    var accounts: [String]
    var diagnostics: [Diagnostic]
    /// Nil where it is valid.
    var failure: PipelineError.Kind?

    init(file: String, pipeline: PipelineFile) {
        // Standard input has a name in messages.
        self.file = pipeline.configuration.file
        self.pipeline = pipeline.configuration.pipeline
        accounts = [pipeline.account] + [pipeline.noteOnAbsentValues, pipeline.noteOnPlainIDs].compactMap(\.self)
        diagnostics = pipeline.configuration.warnings
    }

    init(file: String, errors: ConfigurationErrors) {
        self.file = file == "-" ? PipelineConfigurationLoader.standardInput : file
        accounts = []
        diagnostics = errors.diagnostics
        failure = errors.kind
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

    /// What a run needs that isn't there; nil where nothing is missing.
    fileprivate var noteOnAbsentValues: String? {
        let names = configuration.absentValues
        return names.isEmpty ? nil : "checked without the values of " + names.joined(separator: ", ")
    }

    /// One line that says what the pipeline is, and what it guarantees.
    fileprivate var account: String {
        let sinks = configuration.sinks.map { "\($0.sink.name) (\($0.sink.mode.rawValue), exactly once)" }
        return "'\(configuration.pipeline)' is valid: \(configuration.sourceTypeName) → "
            + sinks.joined(separator: ", ")
    }
}
