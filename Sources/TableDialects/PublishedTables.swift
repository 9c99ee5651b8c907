public import PipelineCore

/// The tables of published NDJSON, as another program is to know and to load them.
public struct PublishedTables: Sendable {
    /// What the files are compressed with.
    public enum Compression: Sendable { case gzip, zstd, none }

    public var tables: [TableDefinition]
    /// The folder of a published run, with a folder for each table; nil where nobody says where the program finds it.
    public var location: String?
    public var compression: Compression
    /// Which of an endpoint's rows counts, where one run brings several.
    public var conflict: ConflictPolicy

    public init(
        _ tables: [TableDefinition], location: String? = nil, compression: Compression = .gzip,
        conflict: ConflictPolicy = .newest
    ) {
        self.tables = tables
        self.location = location
        self.compression = compression
        self.conflict = conflict
    }

    /// Ends the files' names.
    var suffix: String {
        switch compression {
        case .gzip: ".ndjson.gz"
        case .zstd: ".ndjson.zst"
        case .none: ".ndjson"
        }
    }

    /// A table's files.
    ///
    /// - Parameter place: counts where no location is given.
    func files(of table: TableDefinition, in place: String) -> String { "\(folder(of: table, in: place))*\(suffix)" }

    /// A table's folder, with a slash at the end.
    func folder(of table: TableDefinition, in place: String) -> String {
        "\(folder(place))\(table.name)/"
    }

    /// What tells of the run and its files.
    func manifest(in place: String) -> String { "\(folder(place))manifest.json" }

    /// The run's folder, with a slash at the end.
    private func folder(_ place: String) -> String {
        let location = location ?? place
        return location.hasSuffix("/") ? location : location + "/"
    }

    /// The columns by which one of several rows with the same key is chosen, the one that counts standing last in their
    /// order; empty where such rows are the same.
    func precedence(in table: TableDefinition) -> [String] {
        switch table.role {
        case .endpoints: conflict == .newest ? ["effective_date", "ordinal"] : ["ordinal"]
        case .users: ["ordinal"]
        case .endpointParts, .failures, .ledger: []
        }
    }
}
