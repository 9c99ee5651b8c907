internal import ArgumentParser
internal import FilePlugins
internal import Flattening
internal import Foundation
internal import PipelineConfig
internal import PipelineCore
internal import RunFolders
internal import SQLStore
internal import TableDialects

/// `sluice tables`: what other programs are to know of the rows.
struct TablesCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "Print the tables' definitions for a database, a warehouse or an engine, and how it loads the files.",
        discussion: CommandHelp(
            "sluice tables nightly.yaml --as duckdb | duckdb warehouse.db",
            "sluice tables nightly.yaml --as bigquery --from gs://exports/current",
            words: """
                Prints types and keys, so that no reader has to guess, and the statements that load a published run of \
                NDJSON; they may be run again. For spark it prints schemas as JSON, for jsonschema the schema of what \
                'sluice flatten' prints, for dbt the tables as sources. Nothing is opened or called. Without a pipeline \
                the tables are those of a sink that replaces its rows.
                """, exits: CommandHelp.exitsOfAFile
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Who is to read them: \(TableDialect.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"),
        completion: .list(TableDialect.allCases.map(\.rawValue)),
        transform: { name in
            guard let dialect = TableDialect(rawValue: name) else {
                throw ValidationError(
                    "'\(name)' is none of \(TableDialect.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return dialect
        })
    var dialect: TableDialect

    @Option(help: ArgumentHelp("The tables of this sink, where the pipeline's get different rows.", valueName: "name"))
    var sink: String?

    @Option(
        help: ArgumentHelp("Without a pipeline: normalized, or document for one row an endpoint.", valueName: "layout"),
        completion: .list(TableLayout.allCases.map(\.rawValue)), transform: TableLayout.argument)
    var layout: TableLayout?

    @Option(
        name: .customLong("from"),
        help: ArgumentHelp(
            "Where the program finds the run: a folder, gs://…, s3://…, @stage/…; without it, the sink's 'current'.",
            valueName: "place"), completion: .directory)
    var location: String?

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func validate() throws {
        if sink != nil, file == nil { throw ValidationError("--sink names one of a pipeline's, and none is given.") }
        if layout != nil, file != nil {
            throw ValidationError("The pipeline says which layout is meant: leave --layout out.")
        }
        if location?.isEmpty == true { throw ValidationError("--from names no place.") }
    }

    func run(_ host: PluginHost) async throws {
        do {
            try ProcessLimits.looked(runs: false)
            Terminal.writeResult(try dialect.text(try published(host)))
        } catch let error as PipelineError {
            logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: logging.logger())
            throw ExitCode(error.exitCode)
        }
    }

    private func published(_ host: PluginHost) throws -> PublishedTables {
        guard let file else {
            return PublishedTables(RowShape(layout ?? .normalized).layout.tables, location: location)
        }
        let configuration = try PipelineFile.read(file, host, logging, settings, wanted: .rows).configuration
        let shape = try RowShape(of: configuration, sink: sink)
        // dbt reads what a store holds; the others load what is published, which has nothing of a merge.
        let tables =
            dialect == .dbt
            ? StoreLayout.stored(shape.layout.tables, mode: shape.sink?.mode ?? .replace) : shape.layout.tables
        var published = PublishedTables(tables, location: location, conflict: configuration.source.conflict)
        if let sink = shape.sink as? NDJSONSink {
            published.compression = sink.compression.published
            if dialect.readsFiles, location == nil { published.location = Self.shown(sink.store.path) + "/current" }
        }
        return published
    }

    /// A path as it is typed in the folder at hand.
    private static func shown(_ path: String) -> String {
        let folder = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
    }
}

extension TableDialect {
    /// Whether the program reads files of this machine, and not of a cloud's.
    fileprivate var readsFiles: Bool {
        switch self {
        case .sqlite, .postgres, .duckdb, .spark: true
        case .bigquery, .snowflake, .redshift, .jsonschema, .dbt: false
        }
    }
}

extension FileCompression {
    fileprivate var published: PublishedTables.Compression {
        switch self {
        case .gzip: .gzip
        case .zstd: .zstd
        case .none: .none
        }
    }
}
