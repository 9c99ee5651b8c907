public import PipelineCore

/// What a merge keeps beside the layout's rows, for those who follow its changes.
public enum MergeRecords {
    /// When a value of the endpoint last changed: the logical date of the run that changed it.
    public static let changedAt = Column("changed_at", .time)

    /// The endpoints that went, and why: `gone`, `moved`, `filtered` or `absent`.
    public static let removals = TableDefinition(
        name: "removals", role: .ledger,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("user_id", .text),
            Column("reason", .text), Column("run_id", .text), Column("logical_date", .time),
        ],
        key: ["application_id", "endpoint_id", "run_id"])
}
