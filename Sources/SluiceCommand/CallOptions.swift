internal import ArgumentParser
internal import PipelineEngine

/// Options of the commands that work on a pipeline, `run` and `retry`.
struct CallOptions: ParsableArguments {
    @OptionGroup(title: "Part of the input") var part: InputPart

    @OptionGroup var settings: SettingsOptions

    @Option(name: .shortAndLong, help: "How the summary looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(
        name: .shortAndLong,
        help: "Say nothing of what goes well: no progress, no text summary of a run that ends with 0.")
    var quiet = false

    @Flag(name: .customLong("log-user-ids"), help: "Log user IDs as they are; without it they are hashed.")
    var logUserIDs = false

    @OptionGroup(title: "Logging") var logging: LogOptions
}
