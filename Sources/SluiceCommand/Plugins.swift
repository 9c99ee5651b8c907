internal import FilePlugins
internal import Pinpoint
internal import PipelineCore
internal import SQLitePlugins

extension PluginRegistry {
    /// The plugins that come with the program: one line for each.
    static var builtIn: PluginRegistry {
        var registry = PluginRegistry()
        registry.register(PinpointSource.self)
        registry.register(FileUserReader.self)
        registry.register(SQLiteSink.self)
        return registry
    }
}
