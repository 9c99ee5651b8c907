public import PipelineCore
public import RunFolders

/// Rows as CSV: a folder for each run, in it a folder for each table.
///
/// The options and the form of the files are all that it brings. Commits that happen exactly once, resuming, publication,
/// `append` and `replace`, amending and reading back are the run folders'.
public struct CSVFolderSink: RunFolderSink {
    public var typeName: String { Self.typeName }
    public let name: String
    public let store: RunFolderStore

    /// - Parameters:
    ///   - path: absolute.
    ///   - mode: `append` or `replace`.
    ///   - maxFileSize: bytes after which the next batch begins a new file.
    public init(
        name: String = CSVFolderSink.typeName, path: String, mode: WriteMode, maxFileSize: Int,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.name = name
        store = RunFolderStore(
            path: path, mode: mode, maxFileSize: maxFileSize, format: CSVFiles(), label: Self.typeName, warn: warn)
    }
}

extension CSVFolderSink: Plugin {
    public static let kind = PluginKind.sink
    public static let typeName = "csv-folder"
    public static let summary = "Rows as CSV: a folder for each run, files for each table."
    public static let schema = OptionSchema([
        RunFolderOptions.path, RunFolderOptions.mode(of: typeName), RunFolderOptions.maxFileSize(),
    ])

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        let folder = try RunFolderOptions(options, typeName: typeName)
        return CSVFolderSink(
            name: context.name, path: folder.path, mode: folder.mode, maxFileSize: folder.maxFileSize,
            warn: context.warn)
    }
}
