public import PipelineCore

/// Rows in a PostgreSQL database: one transaction for each batch, with the checkpoint inside it.
///
/// Rows go by binary COPY into staging tables of the session and are merged from there a set at a time; where runs don't
/// mix (`append`, `replace`) they are copied straight to their place. PostgreSQL 13 or later, also through a pooler that
/// keeps a session together.
public struct PostgresSink: Sink {
    public var typeName: String { Self.typeName }
    public let name: String
    /// `host:port/database schema`
    public let target: String
    public var targetIdentity: String { "\(parameters.serverIdentity) \(schema)" }
    public let mode: WriteMode
    /// The schema that holds all of the sink's tables.
    public let schema: String
    /// How long a server that was there is waited for.
    public let outage: Duration
    let parameters: ConnectionParameters
    /// Takes what is worth a line in the log, though it ends nothing.
    let warn: @Sendable (String) -> Void
    /// How long a server that hasn't answered yet is waited for.
    let firstContact: Duration = .seconds(10)

    init(
        name: String, parameters: ConnectionParameters, schema: String, mode: WriteMode, outage: Duration,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.parameters = parameters
        self.schema = schema
        self.mode = mode
        self.outage = outage
        self.warn = warn
        target = "\(parameters.place) \(schema)"
    }

    public var guarantee: String {
        "exactly once: a batch's rows and its checkpoint are one transaction, and a commit whose answer is lost is looked up"
    }

    public func inspect(_ context: SinkContext) async throws -> SinkInspection {
        try await PostgresInspection(self, context).perform()
    }

    public func open(_ context: SinkContext) async throws -> any SinkSession {
        try await opening(PostgresSinkSession(self, context)) { try await $0.connect() }
    }

    public func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader {
        try await opening(PostgresSinkReader(self, context)) { try await $0.connect() }
    }
}
