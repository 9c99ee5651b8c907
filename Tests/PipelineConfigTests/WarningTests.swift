import PipelineConfig
import PipelineCore
import Synchronization
import Testing

/// What a plugin warns of while it is made stands with the file's diagnostics; what it warns of later goes to the log.
@Suite struct WarningTests {
    /// Warns when it is made, and whenever it is applied.
    struct Talkative: Transform, Plugin {
        static let kind = PluginKind.transform
        static let typeName = "talkative"
        static let summary = "Warns"
        static let schema = OptionSchema([OptionField("note", .text, .defaulted("hello"), "What it warns of")])
        let warn: @Sendable (String) -> Void

        static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
            context.warn("made with \(options.text("note") ?? "")")
            return Talkative(warn: context.warn)
        }

        func apply(to endpoints: inout EndpointTape) { warn("applied") }
    }

    @Test func warningsHaveAPlace() throws {
        var registry = Fakes.registry
        registry.register(Talkative.self)
        let logged = Mutex<[String]>([])
        let loader = PipelineConfigurationLoader(
            registry: registry, environment: ["SECRET": "hunter2hunter2"], version: "1",
            warn: { text in logged.withLock { $0.append(text) } })
        let yaml =
            DiagnosticTests.good + "transforms:\n  - {type: talkative}\n  - {note: '${SECRET}', type: talkative}\n"
        let configuration = try loader.load(Array(yaml.utf8), path: "p.yaml")
        #expect(
            configuration.warnings.map(\.description) == [
                "p.yaml:5:12: warning: made with hello", "p.yaml:6:31: warning: made with •••",
            ])
        let loggedWhileMade = logged.withLock { $0 }
        #expect(loggedWhileMade.isEmpty)
        let talkative = try #require(configuration.transforms.last as? Talkative)
        talkative.warn("applied")
        let loggedAfterwards = logged.withLock { $0 }
        #expect(loggedAfterwards == ["applied"])
    }
}
