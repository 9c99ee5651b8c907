public import ArgumentParser
internal import Dispatch
internal import Foundation
public import PipelineCore

/// The program: one subcommand for each thing that it does.
public struct Sluice: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Export the endpoints of Amazon Pinpoint users, exactly once, into tables.",
        discussion: """
              $ sluice init --from users.csv
              $ sluice run users.yaml

            A pipeline is one YAML file: where user IDs come from, how the service is called, and where rows go. 'sluice \
            init' writes one; 'sluice run' does the whole of it, and goes on where it stopped if it is run again. \
            'sluice demo' shows all of that without an account.
            """,
        version: Version.number,
        subcommands: [
            InitCommand.self, RunCommand.self, PlanCommand.self, CheckCommand.self, TestCommand.self, RetryCommand.self,
            StatusCommand.self, ReportCommand.self, ChangesCommand.self, VerifyCommand.self, ValidateCommand.self,
            PreviewCommand.self, FlattenCommand.self, TablesCommand.self, PluginsCommand.self, SchemaCommand.self,
            CompletionsCommand.self, ServeCommand.self, DemoCommand.self,
        ])

    @Flag(name: .customShort("V"), help: "Show the version.")
    var showsVersion = false

    public init() {}

    public func run() throws {
        if showsVersion { throw CleanExit.message(Version.number) }
        throw CleanExit.helpRequest(self)
    }

    /// Parses the process's arguments, does what they say, and ends the process with the right code.
    ///
    /// To be called first of all, from the main thread, with nothing under way that waits for anything.
    ///
    /// - Parameter plugins: What the executable brings beside the program's own plugins: a pipeline names them as it does
    ///   those. `PluginFactory(FolderSink.self)` is one.
    /// - Precondition: No two plugins of a kind have one name.
    public static func launch(plugins: [PluginFactory] = []) -> Never {
        StandardFiles.occupy()
        ProcessLimits.require()
        Memory.returnWhatIsFreed()
        // Of the usual priority: from the main thread it would be a higher one, which only root may have.
        Task(priority: .medium) {
            await perform(PluginHost(foreign: plugins))
            Foundation.exit(0)
        }
        dispatchMain()
    }

    private static func perform(_ host: PluginHost) async {
        let arguments = Array(ProcessInfo.processInfo.arguments.dropFirst())
        let index = CommandIndex(Self.self)
        do {
            try UsageCheck(index: index, arguments: arguments).requireCommand()
            var command = try parseAsRoot(arguments)
            var host = host
            if let reading = command as? any PipelineCommand {
                try reading.takeSettings()
                host.settings = reading.settings.set
            }
            if var hosted = command as? any HostedCommand {
                try await hosted.run(host)
            } else if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch { CallFailure.end(error, of: index, arguments) }
    }
}
