import PipelineConfig
import PipelineCore
import Testing

private enum BrokenSink: Plugin {
    static let kind = PluginKind.sink
    static let typeName = "broken"
    static let summary = "Has every mistake"
    static let schema = OptionSchema([
        OptionField("level", .integer(1...9), .defaulted("12"), "Level"),
        OptionField("name", .text, .optional, "Name"),
        OptionField("path", .path(allowsDash: false), .optional, ""),
        OptionField("path", .path(allowsDash: false), .optional, "Path"),
        OptionField(
            "retry",
            .object(OptionSchema([OptionField("delay", .duration(.zero ... .seconds(5)), .defaulted("x"), "D")])),
            .optional, "Retry"),
    ])
    static func make(_ options: Options, _ context: PluginContext) throws -> any Sink { throw CancellationError() }
}

@Suite struct SchemaCheckTests {
    @Test func everyDefaultIsDecodable() {
        #expect(SchemaCheck.problems(registry: Fakes.registry).isEmpty)
        #expect(SchemaCheck.problems(registry: PluginRegistry()).isEmpty)
    }

    @Test func mistakesAreFound() {
        var registry = PluginRegistry()
        registry.register(BrokenSink.self)
        #expect(
            SchemaCheck.problems(registry: registry) == [
                "sink 'broken': 'name' is the host's",
                "sink 'broken': the default of 'level' is wrong: 'level' must be a whole number, from 1 to 9, not '12'",
                "sink 'broken': 'path' has no summary",
                "sink 'broken': 'path' stands twice",
                "sink 'broken', 'retry': the default of 'delay' is wrong: 'delay' must be a duration such as 500ms, 20s,"
                    + " 5m, 1h or 1d, at most 5s, not 'x'",
            ])
    }

    /// Users see it as an error at their plugin, not as a crash.
    @Test func wrongDefaultIsAnError() {
        var registry = Fakes.registry
        registry.register(BrokenSink.self)
        let loader = PipelineConfigurationLoader(registry: registry, environment: [:], version: "") { _ in }
        let text = Fakes.pipeline(sinks: "[{type: broken}]")
        do throws(ConfigurationErrors) {
            _ = try loader.load(Array(text.utf8), path: "p.yaml")
            Issue.record("loaded")
        } catch {
            #expect(
                error.description
                    == "p.yaml:3:10: error: the default of 'level' is wrong: 'level' must be a whole number, from 1 to 9, "
                    + "not '12'")
        }
    }
}
