internal import CSQLite
public import PipelineCore

/// Rows in an SQLite database: one transaction for each batch, with the checkpoint inside it.
///
/// While a run is unfinished the database works with a write-ahead log, so others may read it at any time; afterwards it
/// is one plain file again. In `replace` they see the earlier content until the new one is complete.
public struct SQLiteSink: Sink {
    public var typeName: String { Self.typeName }
    public let name: String
    /// The database file, absolute.
    public let target: String
    public let mode: WriteMode
    /// How long a commit waits while another process writes into the same database.
    public let busyTimeout: Duration
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - path: absolute; missing folders on the way are made when the sink is opened.
    ///   - warn: takes what is worth a line in the log, though it ends no run.
    public init(
        name: String = SQLiteSink.typeName, path: String, mode: WriteMode = .merge, busyTimeout: Duration = .seconds(5),
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.name = name
        target = path
        self.mode = mode
        self.busyTimeout = busyTimeout
        self.warn = warn
    }

    public var guarantee: String { "exactly once: a batch's rows and its checkpoint are one transaction of SQLite" }

    public func inspect(_ context: SinkContext) async throws -> SinkInspection {
        try await SQLiteInspection(self, context).perform()
    }

    public func open(_ context: SinkContext) async throws -> any SinkSession {
        try await opening(SQLiteSinkSession(self, context, warn: warn)) { try await $0.connect() }
    }

    public func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader {
        try await opening(SQLiteSinkReader(self, context)) { try await $0.connect() }
    }
}

extension SQLiteSink: Plugin {
    public static let kind = PluginKind.sink
    public static let typeName = "sqlite"
    public static let summary = "Rows in an SQLite database, one transaction for each batch."
    public static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required,
            place: .outputFile(companions: DatabaseFile.companions),
            "The database file; it and the folders on the way are made where they are missing."),
        OptionField(
            "mode", .enumeration(WriteMode.allCases.map(\.rawValue)), .defaulted(WriteMode.merge.rawValue),
            shapesOutput: true,
            "merge: the newest state, each fetched user's rows replaced as a whole; append: each run's rows beside the "
                + "earlier ones; replace: exactly the last run, published at its end."),
        OptionField(
            "busy_timeout", .duration(.zero ... .seconds(3600)), .defaulted("5s"),
            "How long a commit waits while another process writes into the same database."),
    ])

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        guard let path = options.path("path") else { throw OptionError("path", "is missing") }
        guard let mode = WriteMode(rawValue: options.text("mode") ?? WriteMode.merge.rawValue) else {
            throw OptionError("mode", "isn't a mode of this sink")
        }
        return SQLiteSink(
            name: context.name, path: path.resolved, mode: mode,
            busyTimeout: options.duration("busy_timeout") ?? .seconds(5), warn: context.warn)
    }
}
