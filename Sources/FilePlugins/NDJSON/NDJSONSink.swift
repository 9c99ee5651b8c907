public import PipelineCore
public import RunFolders

/// Rows as gzipped lines of JSON: a folder for each run, in it a folder for each table.
///
/// A file is one gzip member whose bytes depend on the rows and the batches alone, however often the run was interrupted.
public struct NDJSONSink: RunFolderSink {
    public var typeName: String { Self.typeName }
    public let name: String
    public let store: RunFolderStore
    /// zlib's level, 1 to 9.
    public let level: Int
    /// Compressed bytes after which the next batch begins a new file.
    public var maxFileSize: Int { store.maxFileSize }
    /// Loaders fold free keys, or refuse them.
    public var mapForm: MapForm { .entries }
    /// 1: JSON with free names is text.
    public var contentVersion: Int { 1 }

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
        precondition((1...9).contains(level), "out of range")
        self.name = name
        self.level = level
        store = RunFolderStore(
            path: path, mode: mode, maxFileSize: maxFileSize, format: GzippedJSONLines(level: level),
            label: Self.typeName, warn: warn)
    }
}

extension NDJSONSink: Plugin {
    public static let kind = PluginKind.sink
    public static let typeName = "ndjson"
    public static let summary = "Rows as gzipped lines of JSON: a folder for each run, files for each table."
    public static let schema = OptionSchema([
        RunFolderOptions.path,
        RunFolderOptions.mode(of: typeName),
        OptionField(
            "compression", .enumeration(["gzip"]), .defaulted("gzip"), shapesOutput: true,
            "gzip: every file is one ordinary gzip member."),
        OptionField(
            "level", .integer(1...9), .defaulted("6"), shapesOutput: true,
            "zlib's level: 1 is the fastest, 9 the smallest."),
        RunFolderOptions.maxFileSize("Compressed size"),
    ])

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        let folder = try RunFolderOptions(options, typeName: typeName)
        return NDJSONSink(
            name: context.name, path: folder.path, mode: folder.mode, level: options.integer("level") ?? 6,
            maxFileSize: folder.maxFileSize, warn: context.warn)
    }
}
