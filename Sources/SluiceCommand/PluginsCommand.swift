internal import ArgumentParser
internal import Logging
internal import PipelineConfig
internal import PipelineCore

/// `sluice plugins`: what can stand in a pipeline, and after `type:`, with every option.
struct PluginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "List a pipeline's options, the plugins, and theirs.")

    func run() throws {
        Terminal.writeResult(PluginListing.pipelineText + "\n" + PluginListing.text(registry: .described))
    }
}

/// `sluice schema`: the configuration's JSON Schema, for editors.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of pipelines.",
        discussion: """
            Save it beside your pipelines and name it in their first line, and editors complete and check them:
            # yaml-language-server: $schema=sluice.schema.json
            """)

    func run() throws { Terminal.writeResult(ConfigurationSchema.jsonSchema(registry: .described)) }
}

extension PluginRegistry {
    /// The built-in plugins, for commands that only speak of them.
    fileprivate static var described: PluginRegistry {
        .builtIn(log: Logger(label: "sluice") { _ in SwiftLogNoOpLogHandler() })
    }
}
