import PipelineCore
import Synchronization

/// A store in memory that outlives its sessions, as a database outlives a process: prepared work that wasn't committed
/// is gone with its session.
final class MemoryStore: Sendable {
    struct Content: Sendable {
        /// `table/key` → the row's values, the later one winning.
        var rows: [String: [RowView.Value]] = [:]
        var runs: [String: RunRecord] = [:]
        var lastRun: String?
        var checkpoint: Checkpoint?
        var commits = 0
    }

    /// A step at which a test may throw.
    enum Step: Sendable, Hashable {
        case begin, prepare(Int), commit(Int), prepareCompletion, commitCompletion
    }

    private let content = Mutex(Content())
    private let fault = Mutex<(@Sendable (Step) throws -> Void)?>(nil)

    var current: Content { content.withLock { $0 } }
    func update(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }
    func failing(_ body: (@Sendable (Step) throws -> Void)?) { fault.withLock { $0 = body } }
    func reach(_ step: Step) throws { try fault.withLock { $0 }?(step) }

    /// The rows of one table, without the columns that name the run.
    func rows(_ table: String) -> [String: [RowView.Value]] {
        current.rows.filter { $0.key.hasPrefix(table + "/") }
    }
}

struct MemorySink: Sink {
    var store: MemoryStore
    var name = "memory"
    let typeName = "memory"
    let target = "memory"
    let mode = WriteMode.merge

    func open(_ context: SinkContext) async throws -> any SinkSession { MemorySession(store: store, context: context) }
}

private actor MemorySession: SinkSession {
    private let store: MemoryStore
    private let context: SinkContext
    private var prepared: (content: MemoryStore.Content, step: MemoryStore.Step)?

    init(store: MemoryStore, context: SinkContext) {
        self.store = store
        self.context = context
    }

    func state() -> SinkState {
        let content = store.current
        return SinkState(lastRun: content.lastRun.flatMap { content.runs[$0] }, checkpoint: content.checkpoint)
    }

    func run(withID runID: String) -> RunRecord? { store.current.runs[runID] }

    func abandonRun(_ runID: String) { store.update { $0.runs[runID]?.state = .abandoned } }

    func begin(_ run: RunRecord, fingerprint: String) throws -> Checkpoint {
        try store.reach(.begin)
        let checkpoint = Checkpoint(
            runID: run.runID, commitNumber: 0, progress: .start, counts: RunCounts(), fingerprint: fingerprint)
        store.update { content in
            content.runs[run.runID] = run
            content.lastRun = run.runID
            content.checkpoint = checkpoint
        }
        return checkpoint
    }

    func prepare(_ batch: Batch) throws -> SinkObservations {
        var content = store.current
        guard let checkpoint = content.checkpoint, batch.commitNumber == checkpoint.commitNumber + 1 else {
            throw PipelineError(.software, "commit \(batch.commitNumber) doesn't follow")
        }
        try store.reach(.prepare(batch.commitNumber))
        for (table, buffer) in zip(context.tables, batch.tables) {
            buffer.forEachRow { row in
                let values = table.columns.indices.map { row[$0] }
                let key = table.key.compactMap { table.index(of: $0) }.map { "\(values[$0])" }
                content.rows[table.name + "/" + key.joined(separator: "/")] = values
            }
        }
        let observed = SinkObservations()
        content.checkpoint = checkpoint.advanced(by: batch, observed: observed)
        content.commits += 1
        prepared = (content, .commit(batch.commitNumber))
        return observed
    }

    func prepareCompletion(state: RunState, finishedAt: String) throws -> SinkObservations {
        try store.reach(.prepareCompletion)
        var content = store.current
        if let last = content.lastRun {
            content.runs[last]?.state = state
            content.runs[last]?.finishedAt = finishedAt
            content.runs[last]?.counts = content.checkpoint?.counts ?? RunCounts()
        }
        prepared = (content, .commitCompletion)
        return SinkObservations()
    }

    func commit() throws {
        guard let prepared else { throw PipelineError(.software, "nothing is prepared") }
        try store.reach(prepared.step)
        store.update { $0 = prepared.content }
        self.prepared = nil
    }

    func abandon() { prepared = nil }
    func close() { prepared = nil }
}
