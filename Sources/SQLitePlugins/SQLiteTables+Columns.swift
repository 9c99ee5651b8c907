internal import PipelineCore

extension SQLiteTables {
    /// The statements that give an existing table the columns that the layout has and it hasn't.
    ///
    /// Further columns are the user's and are left alone, where a row can do without them.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` that names every difference which no statement mends, or the
    ///   columns that are not to be added.
    func missingColumns(of definition: TableDefinition, in connection: SQLiteConnection) throws -> [String] {
        let rows = try connection.query(
            "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1)", definition.name)
        var differences: [String] = []
        var missing: [Column] = []
        for column in definition.columns {
            guard let row = rows.first(where: { $0[0] == column.name }) else {
                if definition.key.contains(column.name) {
                    differences.append("column '\(column.name)' is missing")
                } else {
                    missing.append(column)
                }
                continue
            }
            let type = row[1] ?? ""
            if type.uppercased() != Self.typeName(column.type) {
                differences.append("column '\(column.name)' is \(type), not \(Self.typeName(column.type))")
            }
        }
        for row in rows where row[2] != "0" && row[3] == nil && row[4] == "0" {
            if let name = row[0], definition.index(of: name) == nil {
                differences.append(
                    "column '\(name)' isn't one of this layout's, and no row can do without it: it is NOT NULL and has "
                        + "no default")
            }
        }
        let key = rows.filter { $0[4] != "0" }.sorted { Int($0[4] ?? "") ?? 0 < Int($1[4] ?? "") ?? 0 }.compactMap {
            $0[0]
        }
        if key != definition.key {
            differences.append(
                "its key is (\(key.joined(separator: ", "))), not (\(definition.key.joined(separator: ", ")))")
        }
        guard differences.isEmpty else {
            throw PipelineError(
                .configuration,
                "\(connection.path): table '\(definition.name)' exists and differs: "
                    + differences.joined(separator: "; "),
                hint: "Write to another path, or rename the table.")
        }
        if missing.isEmpty { return [] }
        guard onNewColumns == .add else {
            throw PipelineError(
                .configuration,
                "\(connection.path): table '\(definition.name)' lacks "
                    + "\(missing.count == 1 ? "the column" : "the columns") "
                    + missing.map { "'\($0.name)'" }.joined(separator: ", ") + ", and on_new_columns is 'refuse'",
                hint: "Add what is missing by hand, or set on_new_columns: add.")
        }
        return missing.map {
            "ALTER TABLE \(quoted(definition.name)) ADD COLUMN \(quoted($0.name)) \(Self.typeName($0.type))"
        }
    }
}
