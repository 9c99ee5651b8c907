internal import FilePlugins
internal import Flattening
internal import Logging
internal import Pinpoint
internal import PipelineCore
internal import PostgresPlugins
internal import SQLitePlugins

extension PluginRegistry {
    /// The plugins that come with the program: one line for each.
    ///
    /// - Parameters:
    ///   - logsUserIDs: Debug messages hold plain user IDs; otherwise they are hashed.
    ///   - asksInstance: The region may be asked for over the network.
    static func builtIn(log: Logger, logsUserIDs: Bool = false, asksInstance: Bool = false) -> PluginRegistry {
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
        return registry
    }
}
