internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// `sluice plugins`: what can stand in a pipeline, and after `type:`, with every option.
struct PluginsCommand: HostedCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "List a pipeline's options, the plugins, and theirs.",
        discussion: CommandHelp(
            "sluice plugins",
            "sluice plugins sqlite",
            words: "Without a name it lists all of them; 'pipeline' is the options of a pipeline's top level."
        ).text)

    @Argument(
        help: ArgumentHelp("A plugin's type, such as sqlite; all where it isn't given.", valueName: "name"),
        completion: .list(Self.names(PluginHost())))
    var name: String?

    func run(_ host: PluginHost) throws {
        guard let name else {
            return Terminal.writeResult(
                PluginListing.pipelineText + "\n" + PluginListing.text(registry: host.described))
        }
        if name == Self.pipeline { return Terminal.writeResult(PluginListing.pipelineText) }
        guard let text = PluginListing.text(registry: host.described, typeName: name) else {
            throw PipelineError(
                .usage, "there is no plugin '\(PrintableText.of(name))'",
                hint: Suggestion.hint(for: name, among: Self.names(host)))
        }
        Terminal.writeResult(text)
    }

    private static let pipeline = "pipeline"

    /// Each once: `sqlite` is a reader and a sink.
    private static func names(_ host: PluginHost) -> [String] {
        var names = [pipeline]
        for factory in host.described.factories where !names.contains(factory.typeName) {
            names.append(factory.typeName)
        }
        return names
    }
}

/// `sluice schema`: the configuration's JSON Schema, for editors.
struct SchemaCommand: HostedCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of pipelines.",
        discussion: CommandHelp(
            "sluice schema > sluice.schema.json",
            "sluice schema > s.json && check-jsonschema --schemafile s.json nightly.yaml",
            words: """
                Save it beside your pipelines and name it in their first line, and editors complete and check them:
                # yaml-language-server: $schema=sluice.schema.json
                """
        ).text)

    func run(_ host: PluginHost) { Terminal.writeResult(ConfigurationSchema.jsonSchema(registry: host.described)) }
}
