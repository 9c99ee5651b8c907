public import PipelineCore

extension TableDefinition {
    /// The places of (application_id, user_id) or (application_id, endpoint_id): the key's first two columns, `run_id`
    /// left aside, which leads every key in `append`.
    public var ownerColumns: (application: Int, id: Int) {
        let places = key.filter { $0 != "run_id" }.compactMap(index(of:))
        return (places.first ?? 0, places.dropFirst().first ?? 0)
    }

    /// The place of the time that tells which of two endpoints is newer; nil in a layout without one.
    public var dateColumn: Int? {
        index(of: "effective_date").flatMap { columns[$0].type == .time ? $0 : nil }
    }

    /// Whether the rows of each run stand beside those of the others: mode `append`.
    public var isKeyedByRun: Bool { role != .failures && key.contains("run_id") }
}
