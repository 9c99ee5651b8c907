internal import PipelineCore

/// The tables of a layout as SQLite has them: their DDL, and whether those that exist are the same.
struct SQLiteTables {
    let definitions: [TableDefinition]

    init(_ definitions: [TableDefinition]) throws {
        for role in [TableRole.users, .endpoints] where definitions.count(where: { $0.role == role }) > 1 {
            throw PipelineError(.software, "the layout has more than one table of \(role)")
        }
        self.definitions = definitions
    }

    // MARK: DDL

    /// Creates what is missing; where nothing is, the database isn't written.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a table exists and differs, or belongs to another mode.
    func create(in connection: SQLiteConnection, pipeline: String, mode: WriteMode) throws {
        if try missing(in: connection, pipeline: pipeline, mode: mode).isEmpty { return }
        try connection.transaction {
            // Another process may have been faster: look again, now that nobody else can write.
            for statement in try missing(in: connection, pipeline: pipeline, mode: mode) {
                try Failpoint.reach("sqlite.open.ddl")
                try connection.execute(statement)
            }
            try Failpoint.reach("sqlite.open.before-commit")
        }
    }

    /// Writes nothing.
    ///
    /// - Throws: as `create`.
    func check(in connection: SQLiteConnection, pipeline: String, mode: WriteMode) throws {
        _ = try missing(in: connection, pipeline: pipeline, mode: mode)
    }

    /// The statements that make the database what the layout wants.
    private func missing(in connection: SQLiteConnection, pipeline: String, mode: WriteMode) throws -> [String] {
        var kinds: [String: String] = [:]
        for row in try connection.query("SELECT name, type FROM sqlite_schema") {
            if let name = row[0], let kind = row[1] { kinds[name] = kind }
        }
        var statements: [String] = []
        for definition in definitions + RunLedger.tables {
            switch kinds[definition.name] {
            case nil: statements.append(Self.createTable(definition))
            case "table": try check(definition, in: connection)
            case let kind?:
                throw PipelineError(
                    .configuration, "\(connection.path): '\(definition.name)' is a \(kind) there, not a table",
                    hint: "Rename it, or name another path.")
            }
            for columns in definition.indexes where kinds[Self.indexName(definition, columns)] == nil {
                statements.append(
                    "CREATE INDEX \(quoted(Self.indexName(definition, columns))) "
                        + "ON \(quoted(definition.name)) (\(list(columns)))")
            }
        }
        if let view = userAttributesView {
            let existing = try connection.query("SELECT sql FROM sqlite_schema WHERE name = 'user_attributes'").first
            if let existing {
                guard existing.first == view else {
                    throw PipelineError(
                        .configuration, "\(connection.path): 'user_attributes' is there, but isn't this program's view",
                        hint: "Rename or drop it, or name another path.")
                }
            } else {
                statements.append(view)
            }
        }
        statements += try missingOwners(in: connection, kinds, pipeline: pipeline, mode: mode)
        return statements
    }

    private func missingOwners(
        in connection: SQLiteConnection, _ kinds: [String: String], pipeline: String, mode: WriteMode
    ) throws -> [String] {
        var modes: [String: String] = [:]
        if kinds[RunLedger.owners.name] == "table" {
            for row in try connection.query("SELECT table_name, mode FROM sluice_tables") {
                if let name = row[0] { modes[name] = row[1] }
            }
        }
        return try definitions.compactMap { definition in
            guard let owned = modes[definition.name] else {
                return "INSERT INTO sluice_tables (table_name, pipeline, mode) "
                    + "VALUES (\(literal(definition.name)), \(literal(pipeline)), \(literal(mode.rawValue)))"
            }
            guard owned == mode.rawValue else {
                throw PipelineError(
                    .configuration,
                    "\(connection.path): table '\(definition.name)' is written in mode '\(owned)', not '\(mode.rawValue)'",
                    hint: "Set mode: \(owned), or name another path.")
            }
            return nil
        }
    }

    /// The DDL of one table.
    ///
    /// Narrow rows that are found by their key alone stand in the key's own B-tree: half the pages to write. Endpoints
    /// don't: their rows are wide, so with random IDs every batch would rewrite most pages of the table (measured: 29 %
    /// more written), and SQLite would look a user's endpoints up by a prefix of that key, which is the whole table.
    static func createTable(_ definition: TableDefinition) -> String {
        let columns = definition.columns.map { column in
            "\(quoted(column.name)) \(typeName(column.type))\(definition.key.contains(column.name) ? " NOT NULL" : "")"
        }
        let isNarrow = definition.role == .users || definition.role == .endpointParts
        return "CREATE TABLE \(quoted(definition.name)) (\(columns.joined(separator: ", ")), "
            + "PRIMARY KEY (\(list(definition.key))))\(isNarrow ? " WITHOUT ROWID" : "")"
    }

    private static func typeName(_ type: ColumnType) -> String {
        switch type {
        case .integer: "INTEGER"
        case .real: "REAL"
        case .text, .json, .time: "TEXT"
        }
    }

    private static func indexName(_ definition: TableDefinition, _ columns: [String]) -> String {
        ([definition.name] + columns).joined(separator: "_")
    }

    // MARK: What exists

    /// - Throws: `PipelineError` of kind `.configuration` that names every difference.
    private func check(_ definition: TableDefinition, in connection: SQLiteConnection) throws {
        let rows = try connection.query(
            "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)", definition.name)
        var differences: [String] = []
        for column in definition.columns {
            guard let row = rows.first(where: { $0[0] == column.name }) else {
                differences.append("column '\(column.name)' is missing")
                continue
            }
            let type = row[1] ?? ""
            if type.uppercased() != Self.typeName(column.type) {
                differences.append("column '\(column.name)' is \(type), not \(Self.typeName(column.type))")
            }
        }
        for row in rows {
            if let name = row[0], definition.index(of: name) == nil {
                differences.append("column '\(name)' isn't one of this layout's")
            }
        }
        let key = rows.filter { $0[3] != "0" }.sorted { Int($0[3] ?? "") ?? 0 < Int($1[3] ?? "") ?? 0 }.compactMap {
            $0[0]
        }
        if key != definition.key {
            differences.append(
                "its key is (\(key.joined(separator: ", "))), not (\(definition.key.joined(separator: ", ")))")
        }
        if differences.isEmpty { return }
        throw PipelineError(
            .configuration,
            "\(connection.path): table '\(definition.name)' exists and differs: "
                + differences.joined(separator: "; "),
            hint: "Write to another path, or rename the table.")
    }

    // MARK: The view

    /// For each user, the attributes carried by the endpoint with the latest effective date; nil where the layout has
    /// no table for them.
    private var userAttributesView: String? {
        guard let endpoints = definitions.first(where: { $0.role == .endpoints }),
            let parts = definitions.first(where: { $0.name == "endpoint_user_attributes" }),
            ["application_id", "endpoint_id", "user_id", "effective_date"].allSatisfy({ endpoints.index(of: $0) != nil }
            ),
            ["application_id", "endpoint_id", "name", "position", "value"].allSatisfy({ parts.index(of: $0) != nil })
        else { return nil }
        // From the endpoints inwards: asking for one user then takes two index look-ups.
        return """
            CREATE VIEW user_attributes AS
            SELECT e.application_id, e.user_id, p.name, p.position, p.value
            FROM \(quoted(endpoints.name)) AS e
            JOIN \(quoted(parts.name)) AS p ON p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id
            WHERE e.endpoint_id = (
                SELECT n.endpoint_id FROM \(quoted(endpoints.name)) AS n
                WHERE n.application_id = e.application_id AND n.user_id = e.user_id
                ORDER BY n.effective_date DESC NULLS LAST, n.endpoint_id LIMIT 1)
            """
    }
}

/// A name as SQL spells it.
func quoted(_ name: String) -> String {
    "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
}

/// Names as SQL spells a list of them.
func list(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

/// A text as SQL spells it.
private func literal(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
}
