internal import LocalFiles
public import PipelineCore

/// Reads user IDs from the answer to a query of an SQLite database.
///
/// - The query is one SELECT of one column. It is asked once, when a run is prepared; the answer is kept aside in the
///   state directory until the run is complete.
/// - IDs come without repetitions, in the order of their UTF-8 bytes. Integers, reals and blobs become text as SQLite
///   casts them; all NULLs together are one fault.
/// - The database is only read, also while others write into it. Memory doesn't grow with the number of rows.
public final class SQLiteUserReader: UserReader {
    private let path: PathOption
    private let query: String
    private let busyTimeout: Duration
    private let users: SpooledUsers

    /// - Parameters:
    ///   - query: one SELECT of one column.
    ///   - busyTimeout: how long a lock of another process is waited for.
    ///   - stateDirectory: absolute; it may not exist yet.
    public init(path: PathOption, query: String, busyTimeout: Duration = .seconds(5), stateDirectory: String) {
        self.path = path
        self.query = query
        self.busyTimeout = busyTimeout
        users = SpooledUsers(folder: stateDirectory, label: "users.sqlite")
    }

    public var sourceFile: String? { nil }
    public var inputSize: UInt64? { users.size }

    public func sample(limit: Int) async throws -> InputSample {
        let (path, query, busyTimeout) = (path, query, busyTimeout)
        return try await SampledUsers.sample(limit: limit, label: "users.sqlite") { limit, body in
            let connection = try QueryConnection(path, busyTimeout: busyTimeout)
            defer { connection.close() }
            try connection.forEachID(of: query, limit: limit, body)
        }
    }

    public func count(within time: Duration) async throws -> InputCount? {
        let (path, query, busyTimeout) = (path, query, busyTimeout)
        return try await withinTime(time) {
            try await BlockingCall(label: "users.sqlite").perform {
                let connection = try QueryConnection(path, busyTimeout: busyTimeout)
                defer { connection.close() }
                return InputCount(try connection.countIDs(of: query), isExact: true)
            }
        }
    }

    /// Asks the query, unless the run's answer is kept aside already.
    ///
    /// - Throws: `PipelineError`: `.noInput` where the database is missing, unreadable or damaged; `.configuration` where
    ///   the query isn't one SELECT of one column; `.temporary` where the database stays locked; `.cantCreate` or
    ///   `.ioError` where the answer can't be kept. `CancellationError`.
    @discardableResult
    public func prepare(for run: InputRun) async throws -> Bool {
        let (path, query, busyTimeout) = (path, query, busyTimeout)
        return try await users.prepare(for: run) { writer in
            let connection = try QueryConnection(path, busyTimeout: busyTimeout)
            defer { connection.close() }
            try connection.forEachID(of: query) { try writer.append($0) }
        }
    }

    public func checkKept(for run: InputRun) async throws { try await users.checkKept(for: run) }

    public func release(_ run: InputRun) async { await users.release(run) }

    /// Opens the answer of the run that was prepared.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where what was kept aside is gone or damaged.
    public func open(at position: Position) async throws -> any UserCursor { try await users.open(at: position) }
}

extension SQLiteUserReader: Plugin {
    public static let kind = PluginKind.userReader
    public static let typeName = "sqlite"
    public static let summary = "User IDs from a query of an SQLite database, asked once for each run."
    public static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required,
            place: .inputs { $0.path("path").map { DatabaseFile.files($0.resolved) } },
            "The database file; it is only read."
        ),
        OptionField(
            "query", .text, .required,
            "One SELECT of one column. IDs are read without repetitions, in the order of their bytes."
        ).like(#"\S"#),
        OptionField(
            "busy_timeout", .duration(.zero ... .seconds(3600)), .defaulted("5s"),
            "How long a lock of another process is waited for."),
    ])

    /// - Throws: `OptionError` for a path or query that is empty.
    public static func make(_ options: Options, _ context: PluginContext) throws -> any UserReader {
        guard let path = options.path("path"), !path.written.isEmpty else {
            throw OptionError("path", "names no file")
        }
        guard let query = options.text("query"), query.contains(where: { !$0.isWhitespace }) else {
            throw OptionError("query", "is empty: write a SELECT of the column that holds the user IDs")
        }
        guard !query.utf8.contains(0) else { throw OptionError("query", "holds a NUL character") }
        return SQLiteUserReader(
            path: path, query: query, busyTimeout: options.duration("busy_timeout") ?? .seconds(5),
            stateDirectory: context.stateDirectory)
    }
}
