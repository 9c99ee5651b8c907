import PipelineCore

/// A sink in memory that does what each mode means in the plainest way: record by record, nothing clever.
struct MemorySink: Sink {
    var store: MemoryStore
    var name = "memory"
    var mode = WriteMode.merge
    /// Whether equal keys are one row. Without keys every row is kept, and a run is seen when it is complete, as in files.
    var isKeyed = true
    /// Files, as it were, are never changed once they are published.
    var amendsPublishedRuns: Bool { isKeyed }
    let typeName = "memory"
    let target = "memory"

    func open(_ context: SinkContext) async throws -> any SinkSession {
        if let owner = store.current.owner {
            if owner.mode != mode {
                throw PipelineError(.configuration, "the store is in mode \(owner.mode.rawValue)")
            }
            if mode == .replace, owner.pipeline != context.pipeline {
                throw PipelineError(.configuration, "the store belongs to pipeline '\(owner.pipeline)'")
            }
        }
        guard store.lock("\(context.pipeline)/\(context.shard)") else {
            throw PipelineError(.temporary, "another run of '\(context.pipeline)' holds the lock")
        }
        store.update { if $0.owner == nil { $0.owner = (context.pipeline, mode) } }
        return MemorySession(sink: self, context: context)
    }
}

private actor MemorySession: SinkSession {
    private let sink: MemorySink
    private let store: MemoryStore
    private let context: SinkContext
    private let name: String
    private var prepared: (content: MemoryStore.Content, step: MemoryStore.Step)?

    init(sink: MemorySink, context: SinkContext) {
        self.sink = sink
        store = sink.store
        self.context = context
        name = "\(context.pipeline)/\(context.shard)"
    }

    /// Whether a run's rows stand aside until it is complete.
    private var writesAside: Bool { sink.mode == .replace || !sink.isKeyed }
    private var ledger: MemoryStore.Ledger { store.current.ledgers[name] ?? MemoryStore.Ledger() }

    // MARK: Runs

    func state() -> SinkState {
        let ledger = ledger
        return SinkState(lastRun: ledger.lastRun.flatMap { ledger.runs[$0] }, checkpoint: ledger.checkpoint)
    }

    func run(withID runID: String) -> RunRecord? { ledger.runs[runID] }

    func abandonRun(_ runID: String) {
        guard let state = ledger.runs[runID]?.state, state == .running || state == .unpublished else { return }
        store.update { content in
            content.ledgers[name]?.runs[runID]?.state = .abandoned
            content.aside = [:]
        }
    }

    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        let content = store.current
        guard let table = context.tables.first(where: { $0.role == .failures }), let runID = ledger.lastRun else {
            return []
        }
        let isComplete = ledger.runs[runID]?.state == .complete
        if isComplete, !sink.isKeyed, ledger.runs[runID]?.counts.failed ?? 0 > 0 {
            throw PipelineError(.cantCreate, "run \(runID) is published", hint: "Do it again.")
        }
        let rows = (sink.isKeyed || isComplete ? content.rows : content.aside).filter {
            isFailure($0.key, $0.value, table, of: runID)
        }
        return rows.values.compactMap { row in
            guard case .integer(let number) = value("ordinal", row, table) else { return nil }
            func text(_ column: String) -> String? {
                guard case .text(let text) = value(column, row, table) else { return nil }
                return text
            }
            func integer(_ column: String) -> Int? {
                guard case .integer(let number) = value(column, row, table) else { return nil }
                return Int(number)
            }
            return FailedRecord(
                ordinal: Int(number), userID: text("user_id"), line: integer("line") ?? 0, code: text("code") ?? "",
                status: integer("status"), hasRaw: text("raw") != nil)
        }.filter { $0.ordinal >= ordinal }.sorted { $0.ordinal < $1.ordinal }.prefix(limit).map { $0 }
    }

    private func isFailure(
        _ key: String, _ row: [RowView.Value], _ table: TableDefinition, of runID: String
    ) -> Bool {
        key.hasPrefix(table.name + "/") && value("run_id", row, table) == .text(runID)
            && value("shard", row, table) == .integer(Int64(context.shard))
    }

    func begin(_ run: RunRecord, fingerprint: String) async throws -> Checkpoint {
        try await store.reach(.begin)
        let checkpoint = Checkpoint(
            runID: run.runID, commitNumber: 0, progress: .start, counts: RunCounts(), fingerprint: fingerprint)
        store.update { content in
            var ledger = content.ledgers[name] ?? MemoryStore.Ledger()
            for table in context.tables where sink.isKeyed {
                let isFailures = table.role == .failures
                if !isFailures, sink.mode != .append || ledger.runs[run.runID] == nil { continue }
                content.rows = content.rows.filter { key, row in
                    guard key.hasPrefix(table.name + "/"), value("run_id", row, table) == .text(run.runID) else {
                        return true
                    }
                    return isFailures && value("shard", row, table) != .integer(Int64(context.shard))
                }
            }
            if sink.mode == .merge, sink.isKeyed, ledger.runs[run.runID] != nil,
                !content.ledgers.contains(where: { $0.key != name && $0.value.runs[run.runID] != nil })
            {
                giveBackRows(ofRun: run.runID, in: &content)
            }
            content.aside = [:]
            ledger.runs[run.runID] = run
            ledger.lastRun = run.runID
            ledger.checkpoint = checkpoint
            content.ledgers[name] = ledger
        }
        return checkpoint
    }

    /// Rows of an earlier execution come before all that this one writes.
    private func giveBackRows(ofRun runID: String, in content: inout MemoryStore.Content) {
        for table in context.tables where table.role != .failures {
            guard let ordinal = table.index(of: "ordinal") else { continue }
            for (key, row) in content.rows
            where key.hasPrefix(table.name + "/") && value("run_id", row, table) == .text(runID) {
                content.rows[key]?[ordinal] = .integer(-1)
            }
        }
    }

    // MARK: Commits

    func prepare(_ batch: Batch) async throws -> Checkpoint {
        var content = store.current
        guard let checkpoint = content.ledgers[name]?.checkpoint, batch.commitNumber == checkpoint.commitNumber + 1
        else { throw PipelineError(.software, "commit \(batch.commitNumber) doesn't follow") }
        try await store.reach(.prepare(batch.commitNumber))
        let writesAside = writesAside && content.ledgers[name]?.runs[checkpoint.runID]?.state != .complete
        if let table = context.tables.first(where: { $0.role == .failures }) {
            func stays(_ key: String, _ row: [RowView.Value]) -> Bool {
                guard isFailure(key, row, table, of: checkpoint.runID),
                    case .integer(let ordinal) = value("ordinal", row, table)
                else { return true }
                return !batch.amends.contains(Int(ordinal))
            }
            content.rows = content.rows.filter { stays($0.key, $0.value) }
            content.aside = content.aside.filter { stays($0.key, $0.value) }
        }
        var merge = RecordMerge(
            tables: context.tables, isKeyed: sink.isKeyed, runID: checkpoint.runID, conflict: context.conflict,
            rows: writesAside ? content.aside : content.rows, lastRow: content.lastRow)
        let observed = merge.merge(batch, shard: context.shard) { store.refuses($0) }
        content.lastRow = merge.lastRow
        if writesAside { content.aside = merge.rows } else { content.rows = merge.rows }
        if writesAside, sink.isKeyed {
            // Failures are seen at once.
            for (key, row) in merge.rows where key.hasPrefix("failures/") {
                content.rows[key] = row
                content.aside[key] = nil
            }
        }
        let next = store.falsified(checkpoint.advanced(by: batch, observed: observed))
        content.ledgers[name]?.checkpoint = next
        content.ledgers[name]?.runs[next.runID]?.counts = next.counts
        content.ledgers[name]?.commits += 1
        prepared = (content, .commit(batch.commitNumber))
        return next
    }

    func prepareCompletion(state: RunState, finishedAt: String) async throws -> Checkpoint {
        try await store.reach(.prepareCompletion)
        var content = store.current
        var observed = RunCounts()
        guard var ledger = content.ledgers[name], let runID = ledger.lastRun, let checkpoint = ledger.checkpoint else {
            throw PipelineError(.software, "no run can be completed")
        }
        if state == .complete, writesAside {
            if sink.mode == .replace {
                let old = content.rows("endpoints").keys
                let new = content.aside.keys.filter { $0.hasPrefix("endpoints/") }
                observed.previousEndpoints = old.count
                observed.removed = sink.isKeyed ? Set(old).subtracting(new).count : max(0, old.count - new.count)
            }
            publish(&content, runID)
        }
        let next = store.falsified(checkpoint.completed(observed: observed))
        ledger.checkpoint = next
        ledger.runs[runID]?.state = state
        ledger.runs[runID]?.finishedAt = finishedAt
        ledger.runs[runID]?.counts = next.counts
        content.ledgers[name] = ledger
        prepared = (content, .commitCompletion)
        return next
    }

    /// Shows what stands aside: in place of everything, or of what the run showed before.
    private func publish(_ content: inout MemoryStore.Content, _ runID: String) {
        for table in context.tables {
            content.rows = content.rows.filter { key, row in
                guard key.hasPrefix(table.name + "/") else { return true }
                let isMine = value("run_id", row, table) == .text(runID)
                if table.role == .failures, sink.isKeyed { return isMine }
                return sink.mode == .append && !isMine
            }
        }
        content.rows.merge(content.aside) { _, new in new }
        content.aside = [:]
    }

    func commit() async throws {
        guard let prepared else { throw PipelineError(.software, "nothing is prepared") }
        try await store.reach(prepared.step)
        store.update { content in
            // Other sessions may have committed meanwhile in a store that is shared; their turns don't overlap in tests.
            content = prepared.content
        }
        self.prepared = nil
    }

    func abandon() { prepared = nil }

    func close() {
        prepared = nil
        store.unlock(name)
    }

    private func value(_ column: String, _ row: [RowView.Value], _ table: TableDefinition) -> RowView.Value? {
        table.index(of: column).map { row[$0] }
    }
}
