internal import LocalFiles
public import PipelineCore

/// Reads user IDs from the answer to a query of a PostgreSQL database.
///
/// - The query is one SELECT of one column. It is asked once, in a transaction that only reads, when a run is prepared; the
///   answer is kept aside in the state directory until the run is complete.
/// - IDs come without repetitions, in the order of their bytes. Integers, UUIDs and all other types become text as the
///   server casts them; all NULLs together are one fault.
/// - Memory doesn't grow with the number of rows. PostgreSQL 13 or later, also a standby.
public final class PostgresUserReader: UserReader {
    private let parameters: ConnectionParameters
    private let query: String
    /// How long a server that hasn't answered yet is waited for.
    private let firstContact: Duration
    private let users: SpooledUsers

    /// - Parameters:
    ///   - url: a libpq URI, or its keywords in one text.
    ///   - query: one SELECT of one column.
    ///   - stateDirectory: absolute; it may not exist yet.
    /// - Throws: `OptionError` for a URL that can't be read.
    package init(url: Secret, query: String, stateDirectory: String, firstContact: Duration = .seconds(10)) throws {
        do {
            parameters = try ConnectionParameters(url: url, keywords: [], password: nil)
        } catch let malformed as ConnectionParameters.Malformed {
            throw OptionError("url", malformed.reason)
        }
        self.query = query
        self.firstContact = firstContact
        users = SpooledUsers(folder: stateDirectory, label: "users.postgres")
    }

    public var sourceFile: String? { nil }
    public var inputSize: UInt64? { users.size }

    public func sample(limit: Int) async throws -> InputSample {
        let ask = UserQuery(parameters: parameters, text: query, firstContact: firstContact)
        return try await SampledUsers.sample(limit: limit, label: "users.postgres") { try ask.forEachID(limit: $0, $1) }
    }

    public func count(within time: Duration) async throws -> InputCount? {
        let ask = UserQuery(parameters: parameters, text: query, firstContact: firstContact)
        return try await withinTime(time) {
            try await BlockingCall(label: "users.postgres").perform { InputCount(try ask.count(), isExact: true) }
        }
    }

    /// Asks the query, unless the run's answer is kept aside already.
    ///
    /// - Throws: `PipelineError`: `.unavailable` where the server can't be reached or goes away; `.permission` where it
    ///   refuses the role; `.configuration` where the query isn't one SELECT of one column; `.temporary` where somebody
    ///   ends it; `.cantCreate` or `.ioError` where the answer can't be kept. `CancellationError`.
    @discardableResult
    public func prepare(for run: InputRun) async throws -> Bool {
        let ask = UserQuery(parameters: parameters, text: query, firstContact: firstContact)
        return try await users.prepare(for: run) { writer in
            try ask.forEachID { try writer.append($0) }
        }
    }

    public func checkKept(for run: InputRun) async throws { try await users.checkKept(for: run) }

    public func release(_ run: InputRun) async { await users.release(run) }

    /// Opens the answer of the run that was prepared.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where what was kept aside is gone or damaged.
    public func open(at position: Position) async throws -> any UserCursor { try await users.open(at: position) }
}

extension PostgresUserReader: Plugin {
    public static let kind = PluginKind.userReader
    public static let typeName = "postgres"
    public static let summary = "User IDs from a query of a PostgreSQL database, asked once for each run."
    public static let schema = OptionSchema([
        OptionField(
            "url", .secret, .required, isAddress: true,
            "postgresql://user:password@host:5432/database, or libpq's keywords in one text."
        ).like(ConnectionParameters.expression),
        OptionField(
            "query", .text, .required,
            "One SELECT of one column. IDs are read without repetitions, in the order of their bytes."
        ).like(#"\S"#),
    ])

    /// - Throws: `OptionError` for a URL that can't be read and a query that is empty.
    public static func make(_ options: Options, _ context: PluginContext) throws -> any UserReader {
        guard let url = options.secret("url") else { throw OptionError("url", "is missing") }
        guard let query = options.text("query"), query.contains(where: { !$0.isWhitespace }) else {
            throw OptionError("query", "is empty: write a SELECT of the column that holds the user IDs")
        }
        guard !query.utf8.contains(0) else { throw OptionError("query", "holds a NUL character") }
        return try PostgresUserReader(url: url, query: query, stateDirectory: context.stateDirectory)
    }
}
