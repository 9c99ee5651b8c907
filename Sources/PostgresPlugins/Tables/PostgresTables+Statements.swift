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
}
