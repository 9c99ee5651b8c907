internal import LocalFiles
public import PipelineCore

/// A folder of rows that is looked at by itself, without the pipeline that wrote it: a published run, as its manifest says, or
/// files that another program wrote, in a folder for each table.
public struct RowFolder: Sendable {
    /// Absolute.
    public let path: String
    /// Nil where there is no manifest.
    public let run: PublishedRun?
    private let format: any FileFormat
    private let parts: @Sendable (String) throws -> [String]

    /// What a manifest says of a run.
    public struct PublishedRun: Sendable {
        public var runID: String
        public var logicalDate: String
        /// Empty where a version before 0.2 has published it. Without roles, which no manifest says.
        public var tables: [(name: String, columns: [Column], key: [String])]
        fileprivate var files: [PublishedManifest.File]
    }

    /// - Parameters:
    ///   - path: absolute. A sink's own folder stands for its latest run.
    ///   - parts: finds the files in a table's folder, where no manifest names them; none where there is no such folder.
    /// - Throws: `PipelineError`: `.noInput` where there is no folder; what is wrong with its manifest.
    public init(
        _ path: String, _ format: any FileFormat, parts: @escaping @Sendable (_ folder: String) throws -> [String]
    ) throws {
        self.format = format
        self.parts = parts
        self.path = try RunFolderReader.reading {
            guard let folder = try Folder.existing(path), try PathEntry(folder) == .folder else {
                throw PipelineError(
                    .noInput, "\(path) is no folder",
                    hint: "Name a published run, or a folder with a folder for each table.")
            }
            let isRun = try PathEntry("\(folder)/\(RunLayout.manifest)") != .nothing
            let sink = OutputFolder(existing: folder, pipeline: "", shard: 0)
            return try isRun ? folder : Folder.existing(sink.current) ?? folder
        }
        run = try PublishedManifest.read(in: self.path).map { manifest in
            PublishedRun(
                runID: manifest.stored.run.runID, logicalDate: manifest.stored.run.logicalDate,
                tables: manifest.tables.map { ($0.name, $0.columns, $0.key) }, files: manifest.files)
        }
    }

    /// Reads its rows.
    public func openForReading() -> any SinkReader { RowFolderReader(self, format, parts) }
}

/// Gives the rows of a folder, on an executor of its own.
private actor RowFolderReader: SinkReader {
    private let executor = BlockingExecutor(label: "rows.reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let folder: RowFolder
    private let format: any FileFormat
    private let parts: @Sendable (String) throws -> [String]
    private var scan: PublishedRows?

    init(_ folder: RowFolder, _ format: any FileFormat, _ parts: @escaping @Sendable (String) throws -> [String]) {
        self.folder = folder
        self.format = format
        self.parts = parts
    }

    func close() { scan = nil }

    /// The folder is no pipeline's.
    func runs() -> StoredRuns { StoredRuns(isKeyed: false) }

    func account(ofRun runID: String) throws -> StoreAccount {
        var account = StoreAccount()
        guard let run = folder.run else { return account }
        for table in run.tables { account.rows[table.name] = 0 }
        for file in run.files {
            account.rows[file.table, default: 0] += file.rows
            if let fault = file.fault(in: folder.path) { account.alterations.append("\(file.path) \(fault)") }
        }
        return account
    }

    func read(_ table: TableDefinition, ofRun runID: String) throws {
        scan = try RunFolderReader.reading {
            let files =
                try folder.run?.files.filter { $0.table == table.name }.map { "\(folder.path)/\($0.path)" }
                ?? parts("\(folder.path)/\(RunLayout.folder(table.name))")
            return PublishedRows(table, format, files: files)
        }
    }

    func nextRows() throws -> RowBuffer? { try scan?.next() }
}
