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
            + "PRIMARY KEY (\(quoted(definition.key))))\(isSeenAgain(definition) ? " WITH (\(Self.room))" : "")"
        return [table] + definition.indexes.map { index(on: definition.name, $0) }
    }

    /// Whether each run writes to rows of the table that haven't changed, to say that they were seen.
    private func isSeenAgain(_ definition: TableDefinition) -> Bool {
        !layout.mode.keepsRunsApart && (definition.role == .endpoints || definition.role == .users)
    }

    /// The room that a page keeps for the next version of all of its rows: there they need no entries in indexes (heap-only
    /// tuples). Without it the first run after a table was filled would double it all the same.
    static let room = "fillfactor=50"

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
}
