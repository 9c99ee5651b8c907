internal import ArgumentParser
internal import PipelineEngine

/// Options of the commands that work on a pipeline, `run` and `retry`.
struct CallOptions: ParsableArguments {
    @OptionGroup(title: "Part of the input") var part: InputPart

    @Option(help: "How the summary looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(help: "Show no progress and log warnings and errors alone.")
    var quiet = false

    @Flag(name: .customLong("log-user-ids"), help: "Log user IDs as they are; without it they are hashed.")
    var logUserIDs = false

    @OptionGroup(title: "Logging") var logging: LogOptions
}
