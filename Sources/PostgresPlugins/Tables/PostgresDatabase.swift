internal import PipelineCore
internal import SQLStore

/// A connection and the schema in which it works.
struct PostgresDatabase: SQLDatabase {
    let connection: PostgresConnection
    let schema: String
    /// What the sink calls its place.
    let place: String
    var placeOption: String { "schema" }

    func name(_ table: String) -> String { Self.name(table, in: schema) }

    /// A table's name with its schema, as SQL spells it.
    static func name(_ table: String, in schema: String) -> String { "\(quoted(schema)).\(quoted(table))" }

    func parameter(_ number: Int) -> String { "$\(number)" }

    func declaration(of column: Column, isKey: Bool) -> String { PostgresTables.declaration(column, isKey: isKey) }

    func columns(of table: String) throws -> Set<String> {
        let names = try connection.query(
            """
            SELECT a.attname FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
                AND c.relkind NOT IN ('i', 'I', 't')
            """, [schema, table])
        return Set(names.rows.compactMap { $0[0] })
    }

    func text(of column: Column) -> String {
        switch column.type {
        case .time: timeText(quoted(column.name))
        case .json: "\(quoted(column.name))::text"
        case .text, .integer, .real: quoted(column.name)
        }
    }

    var rowLock: String { " FOR UPDATE" }

    func rows(_ sql: String, _ arguments: [String?]) throws -> [[String?]] { try connection.query(sql, arguments).rows }
}

/// A `timestamptz` as the tables' text form, `2026-01-02T03:04:05.678Z`, in a session whose time zone is UTC.
func timeText(_ column: String) -> String { #"to_char(\#(column), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"# }
