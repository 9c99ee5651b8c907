public import ArgumentParser
internal import Dispatch
internal import Foundation

/// The program: one subcommand for each thing that it does.
public struct Sluice: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Export the endpoints of Amazon Pinpoint users, exactly once, into tables.",
        discussion: """
            A pipeline is one YAML file: where user IDs come from, how the service is called, and where rows go. \
            'sluice run FILE' does the whole of it, and goes on where it stopped if it is run again.
            """,
        version: Version.number,
        subcommands: [
            RunCommand.self, RetryCommand.self, StatusCommand.self, VerifyCommand.self, ValidateCommand.self,
            PreviewCommand.self, PluginsCommand.self, SchemaCommand.self, ServeCommand.self, DemoCommand.self,
        ])

    public init() {}

    /// Parses the process's arguments, does what they say, and ends the process with the right code.
    ///
    /// To be called first of all, from the main thread, with nothing under way that waits for anything.
    public static func launch() -> Never {
        StandardFiles.occupy()
        ProcessLimits.require()
        Memory.returnWhatIsFreed()
        Task {
            await main()
            Foundation.exit(0)
        }
        dispatchMain()
    }
}
