internal import PipelineCore
internal import SQLStore

/// The statements that make tables, indexes and the view.
extension PostgresTables {
    /// A table and its indexes.
    func creation(of definition: TableDefinition) -> [String] {
        let columns = definition.columns.map { column in
            "\(Self.declaration(column, isKey: definition.key.contains(column.name)))"
                + (definition.key.contains(column.name) ? " NOT NULL" : "")
        }
        let table =
            "CREATE TABLE \(name(definition.name)) (\(columns.joined(separator: ", ")), "
            + "PRIMARY KEY (\(quoted(definition.key))))"
        return [table] + definition.indexes.map { index(on: definition.name, $0) }
    }

    /// The server finds the name, so none can be taken.
    func index(on table: String, _ columns: [String]) -> String {
        "CREATE INDEX ON \(name(table)) (\(quoted(columns)))"
    }

    /// `"user_id" text COLLATE "C"`. Keys are compared by their bytes, which is also the fastest way to compare them.
    static func declaration(_ column: Column, isKey: Bool) -> String {
        "\(quoted(column.name)) \(typeName(column.type))"
            + (isKey && column.type == .text ? " COLLATE pg_catalog.\"C\"" : "")
    }

    static func typeName(_ type: ColumnType) -> String {
        switch type {
        case .text: "text"
        case .integer: "bigint"
        case .real: "double precision"
        case .json: "jsonb"
        case .time: "timestamp with time zone"
        }
    }

    /// The statement that makes the view `user_attributes`; nil where the layout has no tables for it.
    var userAttributesView: String? {
        guard let view = UserAttributesView(layout.definitions) else { return nil }
        let (endpoints, parts) = (name(view.endpoints.name), name(view.parts.name))
        let isKeyedByRun = layout.mode.keepsRunsApart
        func sameRun(_ left: String, _ right: String) -> String {
            isKeyedByRun ? " AND \(left).run_id = \(right).run_id" : ""
        }
        // A sharded run is complete when each of its shards is.
        let latestRun = """

                AND e.run_id = (
                    SELECT r.run_id FROM \(name(LedgerTables.runs.name)) AS r GROUP BY r.run_id
                    HAVING bool_and(r.state = 'complete')
                    ORDER BY max(r.logical_date) DESC, r.run_id DESC LIMIT 1)
            """
        // From the endpoints inwards: asking for one user then takes two index look-ups.
        return """
            CREATE VIEW \(name(UserAttributesView.name)) AS
            SELECT e.application_id, e.user_id, p.name, p."position", p.value
            FROM \(endpoints) AS e
            JOIN \(parts) AS p
                ON p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id\(sameRun("p", "e"))
            WHERE e.endpoint_id = (
                SELECT n.endpoint_id FROM \(endpoints) AS n
                WHERE n.application_id = e.application_id AND n.user_id = e.user_id\(sameRun("n", "e"))
                ORDER BY n.effective_date DESC NULLS LAST, n.endpoint_id COLLATE pg_catalog."C" LIMIT 1)\
            \(isKeyedByRun ? latestRun : "")
            """
    }
}
