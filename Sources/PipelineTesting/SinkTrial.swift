internal import PipelineCore

/// A sink's session under check, beside the model of what its store must hold.
actor SinkTrial {
    static let pipeline = "conformance"
    static let runID = "conformance-20261123T000000Z"

    private let rule: String
    let store: SinkConformance.Store
    nonisolated let mode: WriteMode
    /// Whether equal keys are one row in the store.
    nonisolated let isKeyed: Bool
    nonisolated let conflict: ConflictPolicy
    /// The tables in the mode's form.
    nonisolated let tables: [TableDefinition]
    private var opened: (any SinkSession)?
    private(set) var model: SinkModel
    private(set) var nextOrdinal = 0
    private(set) var commitNumber = 0
    private(set) var runID = SinkTrial.runID
    private(set) var state: RunState?
    /// The checkpoint that must be in the store; nil where nothing is said about it.
    private(set) var checkpoint: Checkpoint?
    /// The model before the run at hand, and the run's batches.
    private var modelBefore: SinkModel
    private var written: [(firstOrdinal: Int, records: [SinkFixture.Record])] = []

    init(rule: String, store: SinkConformance.Store, mode: WriteMode, isKeyed: Bool, conflict: ConflictPolicy) {
        self.rule = rule
        self.store = store
        self.mode = mode
        self.isKeyed = isKeyed
        self.conflict = conflict
        tables = SinkFixture.tables(for: mode)
        model = SinkModel(
            mode: mode, isKeyed: isKeyed, showsRunsUnderWay: store.showsRunsUnderWay, conflict: conflict)
        modelBefore = model
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
    func open(pipeline: String = SinkTrial.pipeline, shard: Int = 0) async throws -> any SinkSession {
        guard let sink = try store.sink(mode) else { throw failure("the store gives no sink in mode \(mode.rawValue)") }
        try expect(sink.mode, mode, "the sink's mode")
        return try await sink.open(
            SinkContext(pipeline: pipeline, shard: shard, tables: tables, conflict: conflict))
    }

    /// Opens a sink of another mode over the same store, in that mode's layout; nil where the store has none.
    func open(mode: WriteMode) async throws -> (any SinkSession)? {
        guard let sink = try store.sink(mode) else { return nil }
        return try await sink.open(SinkContext(pipeline: Self.pipeline, tables: SinkFixture.tables(for: mode)))
    }

    /// The modes other than this one in which the store gives sinks.
    nonisolated func otherModes() throws -> [WriteMode] {
        try WriteMode.allCases.filter { try $0 != mode && store.sink($0) != nil }
    }

    func close() async {
        await opened?.close()
        opened = nil
    }

    // MARK: Runs and batches

    static let finishedAt = "2026-11-23T02:03:04.005Z"

    static func run(_ runID: String) -> RunRecord {
        RunRecord(
            runID: runID, state: .running, logicalDate: SinkFixture.logicalDate(ofRun: runID),
            startedAt: "2026-11-23T01:02:03.004Z", version: "1.2.3")
    }

    /// The ID of a run after the first one, by its number from 1.
    static func laterRun(_ number: Int = 1) -> String {
        let (minutes, seconds) = (100 + number / 60, 100 + number % 60)
        return "conformance-20261124T00\(String(minutes).suffix(2))\(String(seconds).suffix(2))Z"
    }

    @discardableResult
    func begin(_ runID: String = SinkTrial.runID) async throws -> Checkpoint {
        let checkpoint = try await session().begin(Self.run(runID), fingerprint: "fingerprint-1")
        modelBefore = model
        written = []
        model.begin(runID)
        self.runID = runID
        self.checkpoint = checkpoint
        state = .running
        nextOrdinal = 0
        commitNumber = 0
        return checkpoint
    }

    /// The batch that comes next.
    func batch(
        _ records: [SinkFixture.Record], progress: RunProgress? = nil, marksGroups: Bool = true
    ) -> Batch {
        SinkFixture.batch(
            records, commitNumber: commitNumber + 1, firstOrdinal: nextOrdinal, runID: runID, mode: mode,
            progress: progress, marksGroups: marksGroups)
    }

    /// Prepares and commits the next batch, and checks what the sink counted.
    func commit(
        _ records: [SinkFixture.Record], progress: RunProgress? = nil, marksGroups: Bool = true
    ) async throws {
        let batch = batch(records, progress: progress, marksGroups: marksGroups)
        let prepared = try await session().prepare(batch)
        try await session().commit()
        var expected = model.write(records, firstOrdinal: nextOrdinal, runID: runID)
        written.append((nextOrdinal, records))
        nextOrdinal += records.count
        commitNumber += 1
        guard let before = checkpoint else { return }
        // Not every store knows what a run changes.
        if before.counts.changes == nil { expected.changes = nil }
        checkpoint = before.advanced(by: batch, observed: expected)
        try expect(prepared.counts - before.counts - batch.counts, expected, "observations of commit \(commitNumber)")
        try expect(prepared, checkpoint, "the checkpoint prepared with commit \(commitNumber)")
    }

    /// The batch that amends the run with records in the place of failures, by ordinal.
    func amendment(_ records: [Int: SinkFixture.Record]) -> Batch {
        SinkFixture.amendment(
            records, commitNumber: commitNumber + 1, runID: runID, mode: mode,
            progress: checkpoint?.progress ?? .start)
    }

    /// Amends the run: from now on the model is that of a run in which these records came as they come now.
    func amend(_ records: [Int: SinkFixture.Record]) async throws {
        let batch = amendment(records)
        let prepared = try await session().prepare(batch)
        try await session().commit()
        commitNumber += 1
        try expect(checkpoint?.differences(of: prepared, after: batch) ?? [], [], "what the checkpoint has wrong")
        checkpoint = prepared
        var replayed = modelBefore
        replayed.begin(runID)
        for index in written.indices {
            for (ordinal, record) in records {
                let place = ordinal - written[index].firstOrdinal
                if written[index].records.indices.contains(place) { written[index].records[place] = record }
            }
            _ = replayed.write(written[index].records, firstOrdinal: written[index].firstOrdinal, runID: runID)
        }
        if state == .complete { _ = replayed.complete(runID) }
        model = replayed
    }

    /// The failures that the sink tells of, all of them, a few at a time.
    func failures() async throws -> [FailedRecord] {
        var all: [FailedRecord] = []
        while true {
            let part = try await session().failures(from: (all.last?.ordinal ?? -1) + 1, limit: 2)
            if part.isEmpty { return all }
            all += part
        }
    }

    /// The ends of a run after which the sink can amend it.
    nonisolated var amendableEnds: [RunState] {
        let published: [RunState] = isKeyed ? [.complete] : []
        return mode == .replace ? [.unpublished] + published : published
    }

    /// Ends the run, and checks what the sink counted.
    func complete(_ end: RunState = .complete) async throws {
        let prepared = try await session().prepareCompletion(state: end, finishedAt: Self.finishedAt)
        try await session().commit()
        var expected = end == .complete ? model.complete(runID) : RunCounts()
        state = end
        guard let before = checkpoint else { return }
        if before.counts.changes != nil { expected.changes = EndpointChanges() }
        checkpoint = before.completed(observed: expected)
        try expect(prepared.counts - before.counts, expected, "observations of the completion")
        try expect(prepared, checkpoint, "the checkpoint prepared with the completion")
    }

    /// A whole run.
    func run(_ runID: String, _ batches: [[SinkFixture.Record]]) async throws {
        try await begin(runID)
        for batch in batches { try await commit(batch) }
        try await complete()
    }

    func run(_ batches: [[SinkFixture.Record]]) async throws { try await run(Self.runID, batches) }

    /// A whole run, compared with the model after each commit.
    func runVerifyingEach(_ batches: [[SinkFixture.Record]]) async throws {
        try await begin()
        for batch in batches {
            try await commit(batch)
            try await verify()
        }
        try await complete()
        try await verify()
    }

    /// Gives the run at hand up; nothing is said about its checkpoint from here on.
    func abandonRun() async throws {
        try await session().abandonRun(runID)
        model.abandonRun(runID)
        state = .abandoned
        checkpoint = nil
    }

    // MARK: Comparing

    /// What readers see is the model's, and so are run and checkpoint.
    func verify() async throws {
        try await verifyRows()
        let found = try await session().state()
        if let checkpoint {
            try expect(found.checkpoint, checkpoint, "the checkpoint")
            try expect(found.lastRun?.counts, checkpoint.counts, "the run's counts")
        }
        try expect(found.lastRun?.runID, state.map { _ in runID }, "the last run")
        try expect(found.lastRun?.state, state, "the last run's state")
    }

    func verifyRows() async throws {
        for table in tables { try await verify(table, holds: model.rows(of: table)) }
    }

    func verify(_ table: TableDefinition, holds rows: [[RowView.Value]]) async throws {
        try expect(try await store.rows(table), of: table, toBe: rows)
    }

    func expect(_ found: [[RowView.Value]], of table: TableDefinition, toBe rows: [[RowView.Value]]) throws {
        let expected = rows.map(Self.text)
        let found = found.map(Self.text)
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
        _ kind: PipelineError.Kind, or other: PipelineError.Kind? = nil, _ what: String,
        _ body: () async throws -> R
    ) async throws -> PipelineError {
        do {
            _ = try await body()
        } catch let error as PipelineError {
            if error.kind == kind || error.kind == other { return error }
            throw failure("\(what): threw \(error.kind) ('\(error)'), not \(kind)")
        }
        throw failure("\(what): didn't throw")
    }

    nonisolated func failure(_ message: String) -> SinkConformanceError {
        SinkConformanceError(rule: rule, message: message)
    }
}
