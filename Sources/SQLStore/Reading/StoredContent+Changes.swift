public import PipelineCore

/// What merges have changed, as `endpoints.changed_at` and the table `removals` tell it.
extension StoredContent {
    /// A table and the query of its rows that changes consist of.
    public struct ChangeQuery: Sendable {
        public let table: TableDefinition
        /// Nil where the store has nothing of it.
        public let sql: String?
    }

    /// The endpoints as a merge keeps them.
    private var endpoints: TableDefinition? {
        context.tables.first { $0.role == .endpoints }.map(StoreLayout.stored)
    }

    private func has(_ names: [String], in table: TableDefinition) -> Bool {
        columns[table.name]?.isSuperset(of: names) ?? false
    }

    /// The queries of a window's changes: endpoints, their parts in the layout's order, and removals. Each one's rows come by
    /// date, then by the endpoint's key.
    ///
    /// - Parameters:
    ///   - join: what stands between the endpoints and their parts, `JOIN` or a form of it that fixes their order.
    ///   - bytewise: a text's expression in the order of its bytes.
    ///   - value: the expression that gives a column's value, of a table by its name; the rows are called `t`.
    public func changeQueries(
        in window: ChangeWindow, join: String = "JOIN", bytewise: (String) -> String,
        value: (TableDefinition, Column) -> String
    ) -> [ChangeQuery] {
        guard let endpoints else { return [] }
        let key = endpoints.key
        let changedAt = MergeRecords.changedAt.name
        let isDated = has(key + [changedAt], in: endpoints)
        func values(_ table: TableDefinition) -> String {
            table.columns.map { has([$0.name], in: table) ? value(table, $0) : "NULL" }.joined(separator: ", ")
        }
        func order(_ alias: String, _ date: String, _ rest: [String] = []) -> String {
            let names = ["\(alias).\(quoted(date))"] + key.map { bytewise("\(alias).\(quoted($0))") } + rest
            return "ORDER BY " + names.joined(separator: ", ")
        }
        func isSame(_ one: String, _ other: String) -> String {
            key.map { "\(one).\(quoted($0)) = \(other).\(quoted($0))" }.joined(separator: " AND ")
        }
        let own = ChangeQuery(
            table: endpoints,
            sql: isDated
                ? "SELECT \(values(endpoints)) FROM \(database.name(endpoints.name)) AS t "
                    + "WHERE \(condition(window, "t", changedAt)) \(order("t", changedAt))" : nil)
        let parts = context.tables.filter { $0.role == .endpointParts }.map { table in
            let rest = table.key.filter { !key.contains($0) }.map { name in
                let column = "t.\(quoted(name))"
                return table.columns.first { $0.name == name }?.type == .text ? bytewise(column) : column
            }
            return ChangeQuery(
                table: table,
                sql: isDated && has(table.key, in: table)
                    ? "SELECT \(values(table)) FROM \(database.name(endpoints.name)) AS e \(join) "
                        + "\(database.name(table.name)) AS t ON \(isSame("t", "e")) "
                        + "WHERE \(condition(window, "e", changedAt)) \(order("e", changedAt, rest))" : nil)
        }
        let removals = MergeRecords.removals
        // What came back by a run of an earlier date is there to stay.
        let isBack =
            isDated
            ? " AND NOT EXISTS (SELECT 1 FROM \(database.name(endpoints.name)) AS e WHERE \(isSame("e", "t")) "
                + "AND e.\(quoted(changedAt)) < t.logical_date)" : ""
        let gone = ChangeQuery(
            table: removals,
            sql: has(removals.columns.map(\.name), in: removals)
                ? "SELECT \(values(removals)) FROM \(database.name(removals.name)) AS t "
                    + "WHERE \(condition(window, "t", "logical_date"))\(isBack) "
                    + order("t", "logical_date", [bytewise("t.run_id")]) : nil)
        return [own] + parts + [gone]
    }

    /// Dates in the text form compare as times do, in a database that has a type for times and in one that hasn't.
    private func condition(_ window: ChangeWindow, _ alias: String, _ date: String) -> String {
        let column = "\(alias).\(quoted(date))"
        guard let through = window.through else { return "\(column) >= \(literal(window.since))" }
        return window.since == through
            ? "\(column) = \(literal(through))"
            : "\(column) BETWEEN \(literal(window.since)) AND \(literal(through))"
    }

    /// How many endpoints went, by run and reason.
    public func removals(in window: ChangeWindow) throws -> [StoredRemovals] {
        let table = MergeRecords.removals
        guard has(table.columns.map(\.name), in: table) else { return [] }
        let rows = try database.rows(
            "SELECT t.run_id, t.reason, count(*) FROM \(database.name(table.name)) AS t "
                + "WHERE \(condition(window, "t", "logical_date")) GROUP BY t.run_id, t.reason")
        return rows.compactMap { row in
            guard let runID = row[0], let reason = row[1].flatMap(RemovalReason.init),
                let count = row[2].flatMap({ Int($0) })
            else { return nil }
            return StoredRemovals(runID: runID, reason: reason, count: count)
        }
    }

    /// How many endpoints have no date of their last change.
    public func undatedEndpoints() throws -> Int {
        guard let endpoints, columns[endpoints.name] != nil else { return 0 }
        let changedAt = MergeRecords.changedAt.name
        let isUndated = has([changedAt], in: endpoints) ? " WHERE \(quoted(changedAt)) IS NULL" : ""
        let rows = try database.rows("SELECT count(*) FROM \(database.name(endpoints.name))\(isUndated)")
        return rows.first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0
    }
}
