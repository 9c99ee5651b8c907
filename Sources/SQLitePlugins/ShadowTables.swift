internal import PipelineCore

/// The tables that a `replace` fills aside, until they take the place of the published ones.
///
/// Transactions are the caller's.
struct ShadowTables {
    private let connection: SQLiteConnection
    /// As they are published.
    private let definitions: [TableDefinition]

    init(_ connection: SQLiteConnection, _ tables: SQLiteTables) {
        self.connection = connection
        definitions = tables.content
    }

    /// A table under the name that it has while it is filled.
    static func shadow(_ definition: TableDefinition) -> TableDefinition {
        var shadow = definition
        shadow.name = "sluice_next_\(definition.name)"
        return shadow
    }

    /// Whether all of them are there.
    func exist() throws -> Bool {
        let names = Set(
            try connection.query("SELECT name FROM sqlite_schema WHERE type = 'table'").compactMap { $0.first ?? nil })
        return definitions.allSatisfy { names.contains(Self.shadow($0).name) }
    }

    /// Makes them, empty; those of an earlier run go.
    func create() throws {
        try drop()
        for definition in definitions {
            let shadow = Self.shadow(definition)
            try connection.execute(try statement(definition, shadow))
            for columns in shadow.indexes { try connection.execute(SQLiteTables.createIndex(shadow, columns)) }
        }
    }

    func drop() throws {
        for definition in definitions {
            try connection.execute("DROP TABLE IF EXISTS \(quoted(Self.shadow(definition).name))")
        }
    }

    /// The DDL of a shadow: the published table's own, so that what the user has added to it stays.
    private func statement(_ definition: TableDefinition, _ shadow: TableDefinition) throws -> String {
        let stored = try connection.query(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", definition.name)
        guard let sql = stored.first?.first ?? nil, let rest = Self.behindName(sql) else {
            return SQLiteTables.createTable(shadow)
        }
        return "CREATE TABLE \(quoted(shadow.name))\(rest)"
    }

    /// What stands behind the table's name in a statement as `sqlite_schema` keeps it, which begins with `CREATE TABLE`
    /// and the name, however that is quoted.
    private static func behindName(_ sql: String) -> Substring? {
        let prefix = "CREATE TABLE "
        guard sql.hasPrefix(prefix) else { return nil }
        let rest = sql.dropFirst(prefix.count)
        let closing: Character? =
            switch rest.first {
            case "\"": "\""
            case "'": "'"
            case "`": "`"
            case "[": "]"
            default: nil
            }
        guard let closing else {
            return rest.firstIndex { $0 == "(" || $0.isWhitespace || $0 == "/" }.map { rest[$0...] }
        }
        var index = rest.index(after: rest.startIndex)
        while index < rest.endIndex {
            let next = rest.index(after: index)
            if rest[index] == closing {
                // A doubled quote is one of the name's own characters.
                guard closing != "]", next < rest.endIndex, rest[next] == closing else { return rest[next...] }
                index = rest.index(after: next)
            } else {
                index = next
            }
        }
        return nil
    }
}
