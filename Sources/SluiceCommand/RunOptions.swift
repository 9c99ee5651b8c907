internal import ArgumentParser
internal import PipelineCore
internal import PipelineEngine

/// Which run is meant, and what it may pass: the options that `run` and `plan` share.
struct RunOptions: ParsableArguments {
    @Flag(help: "Give an unfinished run up and begin again, or do a complete one again.")
    var fresh = false

    @Option(
        help: ArgumentHelp(
            "Let this run pass brakes: failed, absent, removed, empty, separated by commas.", valueName: "brakes"))
    var accept: [AcceptedBrakes] = []

    @Flag(
        name: .customLong("retry"),
        help: "Ask once more for what failed, before the run ends and is published.")
    var retriesFailures = false

    @Option(
        help: ArgumentHelp(
            "The date the run is for, as 2026-11-23 or 2026-11-23T04:00:00Z; a date that is done does nothing.",
            valueName: "time"),
        transform: DateArgument.read)
    var logicalDate: Timestamp?

    var request: RunRequest {
        RunRequest(
            logicalDate: logicalDate, fresh: fresh, accepted: Set(accept.flatMap(\.brakes)),
            retriesFailures: retriesFailures)
    }
}

/// `failed,absent` as one argument.
struct AcceptedBrakes: ExpressibleByArgument {
    var brakes: [AcceptedBrake]

    init?(argument: String) {
        brakes = []
        for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let brake = AcceptedBrake(rawValue: String(name)) else { return nil }
            brakes.append(brake)
        }
    }
}
