public import PipelineCore
public import RunFolders

/// Rows as lines of JSON, compressed: a folder for each run, in it a folder for each table.
///
/// A file's bytes depend on the rows, the batches and the compressing library's version alone, however often the run was
/// interrupted.
public struct NDJSONSink: RunFolderSink {
    public var typeName: String { Self.typeName }
    public let name: String
    public let store: RunFolderStore
    public let compression: FileCompression
    /// One of the compression's levels; nil where it has none.
    public let level: Int?
    /// Compressed bytes after which the next batch begins a new file.
    public var maxFileSize: Int { store.maxFileSize }
    /// Loaders fold free keys, or refuse them.
    public var mapForm: MapForm { .entries }
    /// 1: JSON with free names is text.
    public var contentVersion: Int { 1 }

    /// - Parameters:
    ///   - path: absolute; missing folders are made when the sink is opened.
    ///   - mode: `append` keeps every run's folder; `replace` the newest and the one before.
    ///   - level: one of the compression's; nil for its usual one.
    ///   - maxFileSize: compressed bytes after which the next batch begins a new file, 1 or more.
    ///   - warn: takes what is worth a line in the log, though it ends no run.
    public init(
        name: String = NDJSONSink.typeName, path: String, mode: WriteMode = .append,
        compression: FileCompression = .gzip, level: Int? = nil, maxFileSize: Int = 256 << 20,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        precondition(level.map { compression.levels?.contains($0) ?? false } ?? true, "out of range")
        self.name = name
        self.compression = compression
        self.level = level ?? compression.standardLevel
        store = RunFolderStore(
            path: path, mode: mode, maxFileSize: maxFileSize, format: JSONLineFiles(compression, level: level),
            label: Self.typeName, warn: warn)
    }
}
