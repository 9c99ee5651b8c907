import Flattening
import PipelineCore
import PipelineEngine
import PipelineTesting

/// A store that is only looked at: rows in lists.
struct ListStore: Sink {
    typealias Row = [RowView.Value]

    var name: String
    var mode = WriteMode.merge
    var isKeyed = true
    var runs: [StoredRun] = []
    /// By table; all of them of the one run.
    var rows: [String: [Row]] = [:]
    var account = StoreAccount()
    var error: PipelineError?
    let typeName = "list"
    let target = "a list"

    func open(_ context: SinkContext) async throws -> any SinkSession {
        throw PipelineError(.software, "a list isn't written to")
    }

    func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader {
        if let error { throw error }
        return ListReader(store: self)
    }

    private actor ListReader: SinkReader {
        let store: ListStore
        private var rest: ArraySlice<Row> = []
        private var table: TableDefinition?

        init(store: ListStore) { self.store = store }

        func runs() -> StoredRuns { StoredRuns(runs: store.runs, isKeyed: store.isKeyed) }
        func account(ofRun runID: String) -> StoreAccount { store.account }

        func read(_ table: TableDefinition, ofRun runID: String) {
            self.table = table
            rest = (store.rows[table.name] ?? [])[...]
        }

        func nextRows() -> RowBuffer? {
            guard let table, !rest.isEmpty else { return nil }
            var rows = SinkRows([table])
            for row in rest.prefix(3) { rows.append(row, to: 0) }
            rest = rest.dropFirst(3)
            return rows.buffers[0]
        }

        func close() {}
    }
}

extension StoredRun {
    static func complete(_ day: Int, counts: RunCounts = RunCounts(), state: RunState = .complete) -> StoredRun {
        let date = "2026-11-\(day < 10 ? "0" : "")\(day)"
        return StoredRun(
            shard: 0,
            record: RunRecord(
                runID: "p-\(day)", state: state, logicalDate: "\(date)T00:00:00.000Z",
                startedAt: "\(date)T01:00:00.000Z",
                finishedAt: state == .running ? nil : "\(date)T02:00:00.000Z", counts: counts, version: "1"),
            progress: nil)
    }
}

extension RunPlan {
    /// A pipeline over these stores.
    static func looking(at stores: [ListStore], conflict: ConflictPolicy = .last) -> RunPlan {
        RunPlan(
            pipeline: "p",
            source: .archive(reader: ListArchive([]), decoder: EndpointDecoder(), conflict: conflict),
            sinks: stores.map {
                PlannedSink(
                    sink: $0, transforms: [], layout: .normalized(mode: $0.mode), rowSetIndex: 0, fingerprint: "f")
            },
            batchSize: 10, limits: RunLimits(), onChangedInput: .refuse, version: "1")
    }
}
