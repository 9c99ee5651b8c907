internal import PipelineCore
internal import SQLStore

/// The tables that a `replace` fills aside, until they take the place of the published ones.
///
/// Transactions are the caller's.
struct ShadowTables {
    private let connection: SQLiteConnection
    /// As they are published.
    private let definitions: [TableDefinition]

    init(_ connection: SQLiteConnection, _ tables: SQLiteTables) {
        self.connection = connection
        definitions = tables.layout.content
    }

    /// Whether all of them are there.
    func exist() throws -> Bool {
        let names = try SQLiteTables.existing(in: connection)
        return definitions.allSatisfy { names.contains(StoreLayout.shadowName(of: $0.name)) }
    }

    /// Makes them, empty; those of an earlier run go.
    func create() throws {
        try drop()
        for definition in definitions {
            let shadow = StoreLayout.shadow(of: definition)
            // The published table's own words, so that what the user has added to it stays.
            try connection.execute("CREATE TABLE \(quoted(shadow.name))\(try form(of: definition))")
            for columns in shadow.indexes { try connection.execute(SQLiteTables.createIndex(shadow, columns)) }
        }
    }

    func drop() throws {
        for definition in definitions {
            try connection.execute("DROP TABLE IF EXISTS \(quoted(StoreLayout.shadow(of: definition).name))")
        }
    }

    /// Gives a filled shadow the published table's form, where the user has changed that since the run began.
    func adoptForm(of definition: TableDefinition) throws {
        let shadow = StoreLayout.shadow(of: definition)
        let form = try form(of: definition)
        if try self.form(of: shadow) == form { return }
        var filled = shadow
        filled.name = "sluice_filled_\(definition.name)"
        try connection.execute("ALTER TABLE \(quoted(shadow.name)) RENAME TO \(quoted(filled.name))")
        try connection.execute("CREATE TABLE \(quoted(shadow.name))\(form)")
        let columns = quoted(definition.columns.map(\.name))
        try connection.execute(
            "INSERT INTO \(quoted(shadow.name)) (\(columns)) SELECT \(columns) FROM \(quoted(filled.name))")
        try connection.execute("DROP TABLE \(quoted(filled.name))")
    }

    /// The DDL of a table behind its name: of a published one with all that the user has added to it.
    private func form(of definition: TableDefinition) throws -> String {
        let stored = try connection.query(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", definition.name)
        guard let sql = stored.first?.first ?? nil, let form = Self.behindName(sql) else {
            throw PipelineError(
                .configuration, "\(connection.path): the statement that made table '\(definition.name)' can't be read",
                hint: "Drop the table: it is made anew.")
        }
        return String(form)
    }

    /// What stands behind the table's name in a statement as `sqlite_schema` keeps it, which begins with `CREATE TABLE`
    /// and the name, however that is quoted.
    private static func behindName(_ sql: String) -> Substring? {
        let prefix = "CREATE TABLE "
        guard sql.hasPrefix(prefix) else { return nil }
        let rest = sql.dropFirst(prefix.count)
        let closing: Character
        switch rest.first {
        case "\"": closing = "\""
        case "'": closing = "'"
        case "`": closing = "`"
        case "[": closing = "]"
        default:
            return rest.firstIndex { $0.isASCII && !$0.isLetter && !$0.isNumber && !"_$".contains($0) }.map {
                rest[$0...]
            }
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
