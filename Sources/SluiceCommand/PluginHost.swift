internal import ArgumentParser
internal import FilePlugins
internal import Flattening
internal import Logging
internal import Pinpoint
internal import PipelineConfig
internal import PipelineCore
internal import PostgresPlugins
internal import SQLitePlugins

/// Which plugins the program has: its own, and those that the executable brings.
struct PluginHost: Sendable {
    /// In the order in which they are listed, after the program's own.
    var foreign: [PluginFactory] = []
    /// What the command line sets in the pipelines that are read.
    var settings: [PipelineSetting] = []

    /// All plugins: one line for each of the program's own.
    ///
    /// - Parameters:
    ///   - logsUserIDs: Debug messages hold plain user IDs; otherwise they are hashed.
    ///   - asksInstance: The region may be asked for over the network.
    func registry(log: Logger, logsUserIDs: Bool = false, asksInstance: Bool = false) -> PluginRegistry {
        var registry = PluginRegistry()
        registry.register(PinpointSource.factory(logger: log, logsUserIDs: logsUserIDs, asksInstance: asksInstance))
        registry.register(ArchiveSource.factory { ArchiveLineDecoder(applicationID: $0) })
        registry.register(FileUserReader.self)
        registry.register(SQLiteUserReader.self)
        registry.register(PostgresUserReader.self)
        registry.register(FilterTransform.self)
        registry.register(MaskTransform.self)
        registry.register(DropTransform.self)
        registry.register(KeepTransform.self)
        registry.register(SQLiteSink.self)
        registry.register(PostgresSink.self)
        registry.register(NDJSONSink.self)
        for factory in foreign { registry.register(factory) }
        return registry
    }

    /// For commands that only speak of plugins.
    var described: PluginRegistry { registry(log: Logger(label: "sluice") { _ in SwiftLogNoOpLogHandler() }) }
}

/// A command that reads pipelines or speaks of plugins, and so must be told which ones there are.
protocol HostedCommand: AsyncParsableCommand {
    mutating func run(_ host: PluginHost) async throws
}

extension HostedCommand {
    /// Without an executable that brings plugins of its own.
    mutating func run() async throws { try await run(PluginHost()) }
}
