internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// `sluice plugins`: what can stand in a pipeline, and after `type:`, with every option.
struct PluginsCommand: HostedCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "List a pipeline's options, the plugins, and theirs.")

    func run(_ host: PluginHost) {
        Terminal.writeResult(PluginListing.pipelineText + "\n" + PluginListing.text(registry: host.described))
    }
}

/// `sluice schema`: the configuration's JSON Schema, for editors.
struct SchemaCommand: HostedCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of pipelines.",
        discussion: """
            Save it beside your pipelines and name it in their first line, and editors complete and check them:
            # yaml-language-server: $schema=sluice.schema.json
            """)

    func run(_ host: PluginHost) { Terminal.writeResult(ConfigurationSchema.jsonSchema(registry: host.described)) }
}
