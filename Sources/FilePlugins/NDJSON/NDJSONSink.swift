public import PipelineCore

/// Rows as gzipped lines of JSON: a folder for each run, in it a folder for each table.
///
/// While a run is under way its files stand aside, under `.sluice`; when it is complete they take their place in one step.
/// A file is one gzip member whose bytes depend on the rows and the batches alone, however often the run was interrupted.
public struct NDJSONSink: Sink {
    public var typeName: String { Self.typeName }
    public let name: String
    /// The folder, absolute.
    public let target: String
    /// `append` or `replace`; files have no keys to merge by.
    public let mode: WriteMode
    /// zlib's level, 1 to 9.
    public let level: Int
    /// Compressed bytes after which the next batch begins a new file.
    public let maxFileSize: Int
    /// Loaders fold free keys, or refuse them.
    public var mapForm: MapForm { .entries }
    /// Whoever has read a file would never learn of a change.
    public var amendsPublishedRuns: Bool { false }
    /// 1: JSON with free names is text.
    public var contentVersion: Int { 1 }
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - path: absolute; missing folders are made when the sink is opened.
    ///   - mode: `append` keeps every run's folder; `replace` the newest and the one before.
    ///   - level: zlib's, 1 to 9.
    ///   - maxFileSize: compressed bytes after which the next batch begins a new file, 1 or more.
    ///   - warn: takes what is worth a line in the log, though it ends no run.
    public init(
        name: String = NDJSONSink.typeName, path: String, mode: WriteMode = .append, level: Int = 6,
        maxFileSize: Int = 256 << 20, warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        precondition(!mode.needsKeys, "files have no keys to merge by")
        precondition((1...9).contains(level) && maxFileSize > 0, "out of range")
        self.name = name
        target = path
        self.mode = mode
        self.level = level
        self.maxFileSize = maxFileSize
        self.warn = warn
    }

    public func open(_ context: SinkContext) async throws -> any SinkSession {
        try await opening(NDJSONSinkSession(self, context, warn: warn)) { try await $0.connect() }
    }

    public func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader {
        NDJSONSinkReader(self, context)
    }
}

extension NDJSONSink: Plugin {
    public static let kind = PluginKind.sink
    public static let typeName = "ndjson"
    public static let summary = "Rows as gzipped lines of JSON: a folder for each run, files for each table."
    public static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required,
            place: .outputFolder(entries: ["current", "latest.json", ".sluice", "runs"], holdsRuns: true),
            "The folder for the runs; it and the folders on the way are made where they are missing."),
        OptionField(
            "mode", .pattern(modePattern), .defaulted(WriteMode.append.rawValue), shapesOutput: true,
            "append: every run has its folder, and all are kept; replace: the newest run and the one before are kept."),
        OptionField(
            "compression", .enumeration(["gzip"]), .defaulted("gzip"), shapesOutput: true,
            "gzip: every file is one ordinary gzip member."),
        OptionField(
            "level", .integer(1...9), .defaulted("6"), shapesOutput: true,
            "zlib's level: 1 is the fastest, 9 the smallest."),
        OptionField(
            "max_file_size", .size(1024...(1 << 40)), .defaulted("256MB"), shapesOutput: true,
            "Compressed size after which a table's next batch begins a new file."),
    ])

    private static let noMerge =
        "files have no keys, so ndjson has no merge: use append or replace, or merge into sqlite or postgres"

    /// Not an enumeration: whoever writes `merge` here is told what to do instead.
    private static let modePattern = TextPattern(
        expression: "^(append|replace)$", summary: "append or replace (\(noMerge))"
    ) { $0 == WriteMode.append.rawValue || $0 == WriteMode.replace.rawValue }

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        guard let path = options.path("path") else { throw OptionError("path", "is missing") }
        guard let mode = WriteMode(rawValue: options.text("mode") ?? WriteMode.append.rawValue), !mode.needsKeys else {
            throw OptionError("mode", noMerge)
        }
        return NDJSONSink(
            name: context.name, path: path.resolved, mode: mode, level: options.integer("level") ?? 6,
            maxFileSize: options.size("max_file_size") ?? 256 << 20, warn: context.warn)
    }
}
