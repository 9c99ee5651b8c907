import PipelineConfig
import PipelineCore
import PipelineEngine

// Plugins that only remember what they were given.

struct FakeReader: UserReader {
    let path: PathOption
    let format: String?
    let column: [String]?
    let header: Bool
    var sourceFile: String? { path.written }

    func open(at position: Position) async throws -> any UserCursor {
        throw PipelineError(.noInput, "nothing is read here")
    }
}

enum FakeReaderPlugin: Plugin {
    static let kind = PluginKind.userReader
    static let typeName = "file"
    static let summary = "IDs from a file"
    static let schema = OptionSchema([
        OptionField("path", .path(allowsDash: true), .required, place: .input, "The file"),
        OptionField("format", .enumeration(["lines", "csv", "ndjson"]), .optional, "How the file is laid out"),
        OptionField("column", .fieldPath, .optional, "Where an ID stands"),
        OptionField("header", .boolean, .defaulted("true"), "The first line names the columns"),
    ])

    static func make(_ options: Options, _ context: PluginContext) throws -> any UserReader {
        guard let path = options.path("path"), let header = options.boolean("header") else {
            throw OptionError("path", "must be there")
        }
        if options.text("format") == "csv", options.names("column") == nil {
            throw OptionError("column", "is needed where the format is csv")
        }
        return FakeReader(
            path: path, format: options.text("format"), column: options.names("column"), header: header)
    }
}

struct FakeLookup: UserLookup {
    let options: Options
    let context: PluginContext
    var applicationID: String { options.text("application_id") ?? "" }
    var isHeld: Bool { false }
    var statistics: LookupStatistics { LookupStatistics() }
    var state: String? { nil }

    func lookUp(_ userID: String, call: LookupCall) async throws -> Outcome { throw CancellationError() }
    func restore(state: String) {}
    func shutdown() async {}
}

enum FakeSourcePlugin: Plugin {
    static let kind = PluginKind.source
    static let typeName = "pinpoint"
    static let summary = "GetUserEndpoints for each ID"
    static let schema = OptionSchema([
        OptionField("application_id", .text, .required, shapesOutput: true, "The application"),
        OptionField("region", .text, .optional, "The region"),
        OptionField("endpoint_url", .text, .optional, isAddress: true, "Another endpoint"),
        OptionField("profile", .text, .optional, "An AWS profile"),
        OptionField("users", .plugin(.userReader), .required, "Where the IDs come from"),
        OptionField(
            "rate_limit",
            .object(
                OptionSchema([
                    OptionField("requests_per_second", .number(0.1...10_000), .defaulted("300"), "Rate"),
                    OptionField("burst", .integer(1...10_000), .defaulted("30"), "Burst"),
                    OptionField("adaptive", .boolean, .defaulted("true"), "Follow 429s"),
                ])), .defaulted("{}"), "How fast"),
        OptionField("concurrency", .integer(1...1_024), .defaulted("64"), "Calls at once"),
        OptionField(
            "retry",
            .object(
                OptionSchema([
                    OptionField("max_attempts", .integer(1...100), .defaulted("8"), "Attempts"),
                    OptionField(
                        "max_delay", .duration(.milliseconds(1) ... .seconds(3_600)), .defaulted("20s"), "Delay"),
                    OptionField("deadline", .duration(.seconds(1) ... .seconds(86_400)), .defaulted("2m"), "Deadline"),
                ])), .defaulted("{}"), "How often"),
    ])

    static func make(_ options: Options, _ context: PluginContext) throws -> SourcePlan {
        guard let reader = options.plugin("users", as: (any UserReader).self) else {
            throw OptionError("users", "makes no reader")
        }
        return .lookup(
            reader: reader, lookup: FakeLookup(options: options, context: context),
            concurrency: options.integer("concurrency") ?? 0)
    }
}

struct FakeArchive: ArchiveReader, RecordDecoder {
    let applicationID: String? = nil
    func open() async throws -> any ArchiveCursor { throw PipelineError(.noInput, "nothing is read here") }
    func decode(_ document: [UInt8]) -> Outcome { .absent }
}

enum FakeArchiveSourcePlugin: Plugin {
    static let kind = PluginKind.source
    static let typeName = "archive"
    static let summary = "Records"
    static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required,
            place: .inputs { options in
                options.path("path").map { path in
                    InputFiles(base: path.resolved) { name, _ in
                        !name.split(separator: "/").contains { $0.hasPrefix(".") }
                    }
                }
            }, "The files")
    ])
    static func make(_ options: Options, _ context: PluginContext) throws -> SourcePlan {
        .archive(reader: FakeArchive(), decoder: FakeArchive(), conflict: .newest)
    }
}

struct FakeTransform: Transform {
    let name: String
    let options: Options
    func apply(to endpoints: inout EndpointTape) throws {}
}

enum FakeFilterPlugin: Plugin {
    static let kind = PluginKind.transform
    static let typeName = "filter"
    static let summary = "Keeps endpoints"
    static let schema = OptionSchema([
        OptionField("where", .map(.list(.text)), .required, "Values by member")
    ])
    static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        FakeTransform(name: typeName, options: options)
    }
}

enum FakeMaskPlugin: Plugin {
    static let kind = PluginKind.transform
    static let typeName = "mask"
    static let summary = "Hides values"
    static let schema = OptionSchema([
        OptionField("paths", .list(.fieldPath), .required, "What is hidden"),
        OptionField("with", .enumeration(["redact", "hmac-sha256"]), .defaulted("redact"), "How"),
        OptionField("key", .secret, .optional, "The key"),
    ])
    static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        if let key = options.secret("key")?.reveal(), key.utf8.count < 16 {
            // A careless plugin names the secret.
            throw OptionError("key", "has fewer than 16 bytes: \(key)")
        }
        return FakeTransform(name: typeName, options: options)
    }
}

struct FakeSink: Sink {
    let typeName: String
    let name: String
    let target: String
    let mode: WriteMode
    func open(_ context: SinkContext) async throws -> any SinkSession {
        throw PipelineError(.unavailable, "nothing is written here")
    }
}

/// A place of its own for each sink, unless its path is `shared`.
private func fakeTarget(_ options: Options, _ context: PluginContext) -> String {
    let path = options.path("path")?.resolved ?? ""
    return path.hasSuffix("/shared") ? path : context.name + ":" + path
}

/// The path in such a place.
func pathOfFake(_ sink: any Sink) -> String { String(sink.target.dropFirst(sink.name.count + 1)) }

enum FakeSQLitePlugin: Plugin {
    static let kind = PluginKind.sink
    static let typeName = "sqlite"
    static let summary = "Rows into an SQLite database"
    static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required, place: .outputFile(companions: ["-wal"]), "The database"),
        OptionField("mode", .enumeration(["merge", "append"]), .defaulted("merge"), shapesOutput: true, "How"),
    ])
    static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        FakeSink(
            typeName: typeName, name: context.name, target: fakeTarget(options, context),
            mode: options.text("mode").flatMap(WriteMode.init) ?? .merge)
    }
}

enum FakeArchivePlugin: Plugin {
    static let kind = PluginKind.sink
    static let typeName = "ndjson"
    static let summary = "Rows into files"
    static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required, place: .outputFolder(entries: ["now"], holdsRuns: true),
            "The folder"),
        OptionField("level", .integer(1...9), .defaulted("6"), shapesOutput: true, "Compression"),
        OptionField(
            "max_file_size", .size(1_024...(1 << 40)), .defaulted("256MB"), shapesOutput: true, "Size of a file"),
        OptionField("url", .secret, .optional, isAddress: true, "A URL with a password"),
        OptionField("padding", .size(0...1024), .defaulted("1KB"), shapesOutput: true, cameLater: true, "Came later"),
    ])
    static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        if let url = options.secret("url"), !url.reveal().contains("://") {
            throw PipelineError(.configuration, "can't read the URL \(url.reveal())", hint: "it has a scheme")
        }
        return FakeSink(
            typeName: typeName, name: context.name, target: fakeTarget(options, context), mode: .append)
    }
}

enum Fakes {
    /// With the source `archive`.
    static var registryWithArchives: PluginRegistry {
        var registry = registry
        registry.register(FakeArchiveSourcePlugin.self)
        return registry
    }

    static var registry: PluginRegistry {
        var registry = PluginRegistry()
        registry.register(FakeSourcePlugin.self)
        registry.register(FakeReaderPlugin.self)
        registry.register(FakeFilterPlugin.self)
        registry.register(FakeMaskPlugin.self)
        registry.register(FakeSQLitePlugin.self)
        registry.register(FakeArchivePlugin.self)
        return registry
    }

    static func loader(_ environment: [String: String] = [:]) -> PipelineConfigurationLoader {
        PipelineConfigurationLoader(
            registry: registry, environment: environment, version: "1.2.3",
            placeConflicts: { PlaceCheck($0, pipeline: $1).conflicts }
        ) { _ in }
    }

    /// The configuration of a text that stands in `/etc/sluice/p.yaml`.
    static func load(
        _ yaml: String, _ environment: [String: String] = [:]
    ) throws(ConfigurationErrors) -> PipelineConfiguration {
        try loader(environment).load(Array(yaml.utf8), path: "/etc/sluice/p.yaml")
    }

    /// What is wrong with a text, one line for each, without the file's name.
    static func errors(_ yaml: String, _ environment: [String: String] = [:]) -> String {
        errors(Array(yaml.utf8), environment)
    }

    static func errors(_ bytes: [UInt8], _ environment: [String: String] = [:]) -> String {
        do throws(ConfigurationErrors) {
            _ = try loader(environment).load(bytes, path: "p.yaml")
            return ""
        } catch {
            return error.diagnostics.map { String($0.description.dropFirst("p.yaml:".count)) }.joined(separator: "\n")
        }
    }

    /// A correct pipeline with one part exchanged.
    static func pipeline(
        source: String = "{type: pinpoint, application_id: a, users: {type: file, path: u.txt}}",
        sinks: String = "[{type: sqlite, path: o.sqlite}]", more: String = ""
    ) -> String {
        "pipeline: p\nsource: \(source)\nsinks: \(sinks)\n\(more)\n"
    }
}
