public import PipelineCore

/// The tables beside those of a layout in which an SQL store keeps its runs: the same in each of them.
public enum LedgerTables {
    /// A row for each run and shard, see `RunRecord`.
    public static let runs = table("sluice_runs", RunRecord.ledgerColumns, key: ["pipeline", "shard", "run_id"])

    /// A row for each pipeline and shard: how far its newest run has come, see `Checkpoint`.
    public static let checkpoints = table("sluice_checkpoints", Checkpoint.ledgerColumns, key: ["pipeline", "shard"])

    /// Which pipeline and mode a table belongs to, see `TableOwners`.
    public static let owners = TableDefinition(
        name: "sluice_tables", role: .ledger,
        columns: [Column("table_name", .text), Column("pipeline", .text), Column("mode", .text)],
        key: ["table_name"])

    /// Those that every format has.
    public static let ofEveryFormat = [runs, checkpoints, owners]

    public static let all = ofEveryFormat + [FormatTable.definition]

    private static func table<Value>(
        _ name: String, _ columns: [LedgerColumn<Value>], key: [String]
    ) -> TableDefinition {
        TableDefinition(
            name: name, role: .ledger,
            columns: [Column("pipeline", .text), Column("shard", .integer)] + columns.map(\.column), key: key)
    }
}

extension RunRecord: LedgerValue {
    static var ledgerTable: TableDefinition { LedgerTables.runs }
    static var blank: RunRecord { RunRecord(runID: "", state: .running, logicalDate: "", startedAt: "", version: "") }
    var ledgerName: String { "run \(runID)" }

    /// A row's columns behind pipeline and shard. A line here is all that a new column takes; a store that lacks it leaves
    /// the value as `blank` has it.
    static var ledgerColumns: [LedgerColumn<RunRecord>] {
        [
            .text("run_id", \.runID),
            LedgerColumn("state", .text, write: { $0.state.rawValue }) { $0.state = try RunState(ledgerText: $1) },
            .text("logical_date", \.logicalDate, .time),
            .text("started_at", \.startedAt, .time),
            .optional("finished_at", \.finishedAt, .time),
            LedgerColumn("counts", .json, write: { $0.counts.json }) { $0.counts = try RunCounts(json: $1 ?? "") },
            .text("version", \.version),
            .optional("listing_hash", \.listingHash, .text),
            .optional("timeline", \.timeline, .json),
        ]
    }
}

extension Checkpoint: LedgerValue {
    static var ledgerTable: TableDefinition { LedgerTables.checkpoints }
    static var blank: Checkpoint {
        Checkpoint(runID: "", commitNumber: 0, progress: .start, counts: RunCounts(), fingerprint: "")
    }
    var ledgerName: String { "its checkpoint" }

    /// As those of `RunRecord`.
    static var ledgerColumns: [LedgerColumn<Checkpoint>] {
        [
            .text("run_id", \.runID),
            .integer("commit_number", \.commitNumber),
            // In the first format, which has no `consumed`, it is the number of records before it.
            LedgerColumn("next_ordinal", .integer, write: { String($0.progress.nextOrdinal) }) {
                $0.progress.nextOrdinal = try LedgerColumn<Checkpoint>.number($1)
                $0.progress.consumed = $0.progress.nextOrdinal
            },
            LedgerColumn("consumed", .integer, write: { String($0.progress.consumed) }) {
                if let text = $1 { $0.progress.consumed = try LedgerColumn<Checkpoint>.number(text) }
            },
            .flag("input_ended", \.progress.inputEnded),
            LedgerColumn("position", .json, write: { $0.progress.position.json }) {
                $0.progress.position = try Position(json: $1 ?? "")
            },
            LedgerColumn("parked", .json, write: { $0.progress.parked.json }) {
                $0.progress.parked = try [ParkedRecord](json: $1 ?? "")
            },
            LedgerColumn("counts", .json, write: { $0.counts.json }) { $0.counts = try RunCounts(json: $1 ?? "") },
            .text("input_hash", \.progress.inputHash),
            // As the source wrote it, whatever spaces the database puts between its parts.
            LedgerColumn("source_state", .json, write: { $0.progress.sourceState }) {
                $0.progress.sourceState = $1.map(CompactJSON.of)
            },
            .text("fingerprint", \.fingerprint),
            // For people.
            LedgerColumn("updated_at", .time, write: { _ in Timestamp.now.text }, read: { _, _ in }),
        ]
    }
}

extension RunState {
    fileprivate init(ledgerText text: String?) throws {
        guard let state = RunState(rawValue: text ?? "") else {
            throw UnreadableLedger(what: "'\(PrintableText.of(text ?? ""))' is no state of a run")
        }
        self = state
    }
}
