/// The tables beside those of a layout in which an SQL store keeps its runs: the same in each of them. Their role says no more
/// than that no batch has rows for them.
package enum LedgerTables {
    package static let runs = TableDefinition(
        name: "sluice_runs", role: .failures,
        columns: [
            Column("pipeline", .text), Column("shard", .integer), Column("run_id", .text), Column("state", .text),
            Column("logical_date", .time), Column("started_at", .time), Column("finished_at", .time),
            Column("counts", .json), Column("version", .text),
        ],
        key: ["pipeline", "shard", "run_id"])

    package static let checkpoints = TableDefinition(
        name: "sluice_checkpoints", role: .failures,
        columns: [
            Column("pipeline", .text), Column("shard", .integer), Column("run_id", .text),
            Column("commit_number", .integer), Column("next_ordinal", .integer), Column("input_ended", .integer),
            Column("position", .json), Column("parked", .json), Column("counts", .json), Column("input_hash", .text),
            Column("source_state", .json), Column("fingerprint", .text), Column("updated_at", .time),
        ],
        key: ["pipeline", "shard"])

    /// Which pipeline and mode a table belongs to.
    package static let owners = TableDefinition(
        name: "sluice_tables", role: .failures,
        columns: [Column("table_name", .text), Column("pipeline", .text), Column("mode", .text)],
        key: ["table_name"])

    package static let all = [runs, checkpoints, owners]
}
