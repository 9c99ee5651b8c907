internal import LocalFiles
internal import PipelineCore
internal import SQLStore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A look at a database before a run, on an executor of its own.
actor SQLiteInspection {
    private let executor = BlockingExecutor(label: "sqlite.inspection")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: SQLiteSink
    private let context: SinkContext

    init(_ sink: SQLiteSink, _ context: SinkContext) {
        self.sink = sink
        self.context = context
    }

    func perform() throws -> SinkInspection {
        let tables = SQLiteTables(layout: try StoreLayout(context, mode: sink.mode))
        guard let path = try Folder.existing(sink.target), try !Self.isEmpty(path, sink.target) else {
            return try ofNothing(tables)
        }
        var result = SinkInspection()
        let place = try WritablePlace(folder: Folder.of(path))
        guard access(path, W_OK) == 0 else { throw SystemFailure.pipelineError(errno, creating: sink.target) }
        let isHeld = !DatabaseLocks.held(path, context.pipeline).isEmpty
        let isSettled = try !WriteAheadLog.exists(path) && WriteAheadLog.isWanted(path)
        let connection = try SQLiteConnection(reading: path, isSettled: isSettled)
        defer { connection.close() }
        connection.setBusyTimeout(.seconds(2))
        try connection.execute("PRAGMA query_only = ON; BEGIN")
        try LedgerFormat.check(connection)
        result.steps = try tables.missing(in: connection)
        let existing = try SQLiteTables.existing(in: connection)
        result.existingTables = tables.layout.definitions.map(\.name).filter(existing.contains)
        result.state = try RunLedger.stored(
            in: connection, pipeline: context.pipeline, shard: context.shard, existing: existing)
        result.findings.append(
            .ok(result.existingTables.isEmpty ? "the database has none of the tables yet" : "the tables fit"))
        if isHeld {
            result.findings.append(
                .doubt("a run of this pipeline is under way there", hint: "A second one would end with 75."))
        }
        if let room = place.room { result.findings.append(room) }
        return result
    }

    /// Nothing is there yet: what a run would make is what an empty database lacks.
    private func ofNothing(_ tables: SQLiteTables) throws -> SinkInspection {
        let place = try WritablePlace(folder: Folder.of(sink.target))
        let empty = try SQLiteConnection(path: ":memory:")
        defer { empty.close() }
        return SinkInspection(
            findings: [.ok("the database will be made")] + (place.room.map { [$0] } ?? []),
            steps: try tables.missing(in: empty))
    }

    private static func isEmpty(_ path: String, _ written: String) throws -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { throw SystemFailure.pipelineError(errno, creating: written) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PipelineError(
                .cantCreate, "\(written) is no regular file, so it can't be a database", hint: "Name another path.")
        }
        return status.st_size == 0
    }
}
