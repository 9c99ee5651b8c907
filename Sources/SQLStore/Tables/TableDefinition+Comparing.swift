public import PipelineCore

extension TableDefinition {
    /// The columns by whose values a sink finds rows. Texts with different bytes must be different in them: otherwise rows
    /// of other endpoints, users or runs are found as well.
    public var comparedColumns: [String] {
        var names = key
        for name in indexes.flatMap({ $0 }) + ["run_id"] where index(of: name) != nil && !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// Indexes that an earlier version made, and that `indexes` has in another form: they go when a store is opened for
    /// writing.
    public var formerIndexes: [[String]] {
        indexes.contains(["user_id", "application_id"]) ? [["application_id", "user_id"]] : []
    }
}
