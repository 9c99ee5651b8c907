internal import PipelineCore

/// A sink's session under check, beside the model of what its store must hold.
actor SinkTrial {
    static let pipeline = "conformance"
    static let runID = "conformance-20261123T000000Z"

    private let rule: String
    private let store: SinkConformance.Store
    private var opened: (any SinkSession)?
    private(set) var model = SinkModel()
    private(set) var nextOrdinal = 0
    private(set) var commitNumber = 0
    private(set) var runID = SinkTrial.runID
    /// The checkpoint that must be in the store.
    private(set) var checkpoint: Checkpoint?

    init(rule: String, store: SinkConformance.Store) {
        self.rule = rule
        self.store = store
    }

    // MARK: Sessions

    /// The open session; opens one where there is none.
    func session() async throws -> any SinkSession {
        if let opened { return opened }
        let session = try await open()
        opened = session
        return session
    }

    /// A further session over the same store, which the caller closes.
    func open(shard: Int = 0) async throws -> any SinkSession {
        try await store.sink().open(
            SinkContext(pipeline: Self.pipeline, shard: shard, tables: SinkFixture.tables))
    }

    func close() async {
        await opened?.close()
        opened = nil
    }

    // MARK: Runs and batches

    static func run(_ runID: String) -> RunRecord {
        RunRecord(
            runID: runID, state: .running, logicalDate: SinkFixture.logicalDate,
            startedAt: "2026-11-23T01:02:03.004Z", version: "1.2.3")
    }

    @discardableResult
    func begin(_ runID: String = SinkTrial.runID) async throws -> Checkpoint {
        let checkpoint = try await session().begin(Self.run(runID), fingerprint: "fingerprint-1")
        self.runID = runID
        self.checkpoint = checkpoint
        nextOrdinal = 0
        commitNumber = 0
        return checkpoint
    }

    /// The batch that comes next.
    func batch(
        _ records: [SinkFixture.Record], progress: RunProgress? = nil, marksGroups: Bool = true
    ) -> Batch {
        SinkFixture.batch(
            records, commitNumber: commitNumber + 1, firstOrdinal: nextOrdinal, runID: runID, progress: progress,
            marksGroups: marksGroups)
    }

    /// Prepares and commits the next batch, and checks what the sink counted.
    func commit(
        _ records: [SinkFixture.Record], progress: RunProgress? = nil, marksGroups: Bool = true
    ) async throws {
        let batch = batch(records, progress: progress, marksGroups: marksGroups)
        let observed = try await session().prepare(batch)
        try await session().commit()
        let expected = model.merge(records, firstOrdinal: nextOrdinal, runID: runID)
        nextOrdinal += records.count
        commitNumber += 1
        checkpoint = checkpoint?.advanced(by: batch, observed: expected)
        try expect(observed, expected, "observations of commit \(commitNumber)")
    }

    func complete(_ state: RunState = .complete) async throws {
        _ = try await session().prepareCompletion(state: state, finishedAt: "2026-11-23T02:03:04.005Z")
        try await session().commit()
    }

    // MARK: Comparing

    /// The store's rows and checkpoint are the model's.
    func verify() async throws {
        for table in SinkFixture.tables {
            try await verify(table, holds: model.rows(of: table))
        }
        try expect(await session().state().checkpoint, checkpoint, "the checkpoint")
    }

    func verify(_ table: TableDefinition, holds rows: [[RowView.Value]]) async throws {
        let expected = rows.map(Self.text)
        let found = try await store.rows(table).map(Self.text)
        let missing = Self.difference(expected, found).map { "\n  missing \($0.prefix(400))" }
        let unexpected = Self.difference(found, expected).map { "\n  unexpected \($0.prefix(400))" }
        if missing.isEmpty, unexpected.isEmpty { return }
        throw failure(
            "table '\(table.name)' has \(found.count) rows, \(expected.count) expected"
                + (missing.prefix(3) + unexpected.prefix(3)).joined())
    }

    private static func text(_ row: [RowView.Value]) -> String {
        row.map { value in
            switch value {
            case .null: "null"
            case .integer(let number): String(number)
            case .number(let number): String(describing: number)
            case .text(let text): "text \(text)"
            case .json(let text): "json \(text)"
            case .time(let text): "time \(text)"
            }
        }.joined(separator: " | ")
    }

    /// What is in one list and not in the other, repetitions counted; rows are compared by their bytes.
    private static func difference(_ left: [String], _ right: [String]) -> [String] {
        var counts: [[UInt8]: Int] = [:]
        for row in right { counts[Array(row.utf8), default: 0] += 1 }
        return left.filter { row in
            let bytes = Array(row.utf8)
            counts[bytes, default: 0] -= 1
            return counts[bytes, default: 0] < 0
        }
    }

    nonisolated func expect<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws {
        if found != expected { throw failure("\(what): found \(found), expected \(expected)") }
    }

    /// - Returns: the error that `body` throws, which must be a `PipelineError` of this kind.
    @discardableResult
    nonisolated func expectError<R>(
        _ kind: PipelineError.Kind, _ what: String, _ body: () async throws -> R
    ) async throws -> PipelineError {
        do {
            _ = try await body()
        } catch let error as PipelineError {
            if error.kind == kind { return error }
            throw failure("\(what): threw \(error.kind) ('\(error)'), not \(kind)")
        }
        throw failure("\(what): didn't throw")
    }

    nonisolated func failure(_ message: String) -> SinkConformanceError {
        SinkConformanceError(rule: rule, message: message)
    }
}
