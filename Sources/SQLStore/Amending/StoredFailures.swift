public import PipelineCore

/// The failures of one pipeline's shard in a store, whose runs are told apart in them.
public struct StoredFailures {
    private let database: any SQLDatabase
    private let table: TableDefinition
    private let shard: Int

    /// Nil in a layout that doesn't say of which run and record a failure is.
    public init?(_ database: any SQLDatabase, _ layout: StoreLayout) {
        guard
            let table = layout.definitions.first(where: {
                $0.role == .failures && $0.index(of: "run_id") != nil && $0.index(of: "ordinal") != nil
            })
        else { return nil }
        self.database = database
        self.table = table
        shard = layout.shard
    }

    /// The table, and which of its rows are a run's; the run's ID is argument 1.
    private var scope: String {
        "\(database.name(table.name)) WHERE run_id = \(database.parameter(1))"
            + (table.index(of: "shard") == nil ? "" : " AND shard = \(shard)")
    }

    /// The records of a run that have a row of failures, in ordinal order, from an ordinal on.
    public func records(ofRun runID: String, from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        try database.rows(
            "SELECT \(selection) FROM \(scope) AND ordinal >= \(ordinal) ORDER BY ordinal LIMIT \(limit)", [runID]
        ).map { row in
            FailedRecord(
                ordinal: row[0].flatMap { Int($0) } ?? 0, userID: row[1], line: row[2].flatMap { Int($0) } ?? 0,
                code: row[3] ?? "", status: row[4].flatMap { Int($0) }, hasRaw: row[5] != nil)
        }
    }

    /// Ordinal, user_id, line, code, status, and whether there is a raw. A column that the table lacks is null.
    private var selection: String {
        var columns = ["ordinal", "user_id", "line", "code", "status"].map {
            table.index(of: $0) == nil ? "NULL" : quoted($0)
        }
        // Up to 64 KiB each, of which nothing is needed.
        columns.append(table.index(of: "raw") == nil ? "NULL" : "CASE WHEN \(quoted("raw")) IS NOT NULL THEN 1 END")
        return columns.joined(separator: ", ")
    }

    /// Removes those of some of a run's records.
    public func remove(_ ordinals: [Int], ofRun runID: String) throws {
        if ordinals.isEmpty { return }
        try database.rows(
            "DELETE FROM \(scope) AND ordinal IN (\(ordinals.map(String.init).joined(separator: ", ")))", [runID])
    }

    /// Removes all of a run's.
    func removeAll(ofRun runID: String) throws { try database.rows("DELETE FROM \(scope)", [runID]) }
}
