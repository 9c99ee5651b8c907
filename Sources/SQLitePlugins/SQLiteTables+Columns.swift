internal import PipelineCore
internal import SQLStore

extension SQLiteTables {
    /// The statements that give an existing table the columns that the layout has and it hasn't.
    ///
    /// Further columns are the user's and are left alone, where a row can do without them.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` that names every difference which no statement mends, or the
    ///   columns that are not to be added.
    func missingColumns(of definition: TableDefinition, in connection: SQLiteConnection) throws -> [String] {
        let rows = try connection.query(
            "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)", definition.name)
        var differences: [String] = []
        var missing: [Column] = []
        for column in definition.columns {
            guard let row = rows.first(where: { Self.folded($0[0] ?? "") == column.name }) else {
                if definition.key.contains(column.name) {
                    differences.append("column '\(column.name)' is missing")
                } else {
                    missing.append(column)
                }
                continue
            }
            if let name = row[0], name != column.name {
                differences.append("column '\(PrintableText.of(name))' isn't spelled '\(column.name)'")
            }
            if row[5] != "0" { differences.append("column '\(column.name)' is generated") }
            let type = row[1] ?? ""
            if type.uppercased() != Self.typeName(column.type) {
                differences.append("column '\(column.name)' is \(type), not \(Self.typeName(column.type))")
            }
        }
        for row in rows where row[2] != "0" && row[3] == nil && row[4] == "0" && row[5] == "0" {
            if let name = row[0], definition.index(of: Self.folded(name)) == nil {
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
        differences += try looseComparisons(of: definition, in: connection)
        differences += try losses(in: definition, in: connection)
        guard differences.isEmpty else {
            throw PipelineError(
                .configuration,
                "\(connection.path): table '\(definition.name)' exists and differs: "
                    + differences.joined(separator: "; "),
                hint: "Write to another path, or rename the table.")
        }
        if missing.isEmpty { return [] }
        guard layout.onNewColumns == .add || missing.allSatisfy({ layout.isOwn($0, of: definition) }) else {
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

    /// Where texts with different bytes are equal: in a column, or in the index of the key alone.
    private func looseComparisons(of definition: TableDefinition, in connection: SQLiteConnection) throws -> [String] {
        var differences: [String] = []
        for column in definition.comparedColumns {
            guard let collation = try connection.collation(of: column, in: definition.name),
                collation.uppercased() != "BINARY"
            else { continue }
            differences.append("column '\(column)' has the collation \(collation), in which different texts are equal")
        }
        let keyed = try connection.query(
            """
            SELECT k.name, k.coll FROM pragma_index_list(?1) AS i JOIN pragma_index_xinfo(i.name) AS k
            WHERE i.origin = 'pk' AND k.key AND k.coll <> 'BINARY' COLLATE NOCASE ORDER BY k.seqno
            """, definition.name)
        for row in keyed {
            differences.append(
                "its key has '\(row[0] ?? "")' in the collation \(row[1] ?? ""), in which different texts are equal")
        }
        return differences
    }

    /// By what SQLite would take a row away for the sake of another one, without a word: a constraint that says so, or a
    /// second unique index over the key's columns, by which rows of different keys are taken for the same.
    private func losses(in definition: TableDefinition, in connection: SQLiteConnection) throws -> [String] {
        var differences: [String] = []
        let sql = try connection.query(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1", definition.name
        ).first?[0]
        let words = SQLWords.of(sql ?? "")
        for index in words.indices.dropLast(2)
        where words[index] == "ON" && words[index + 1] == "CONFLICT"
            && !["ABORT", "FAIL", "ROLLBACK"].contains(words[index + 2])
        {
            differences.append("it has a constraint ON CONFLICT \(words[index + 2]), by which rows vanish")
        }
        let indexes = try connection.query(
            "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND origin <> 'pk'", definition.name)
        for name in indexes.compactMap({ $0[0] }) {
            let columns = try connection.query("SELECT name, coll FROM pragma_index_xinfo(?1) WHERE key", name)
            let names = columns.compactMap { $0[0] }
            guard Set(names) == Set(definition.key),
                let loose = columns.first(where: { $0[1]?.uppercased() != "BINARY" })
            else { continue }
            differences.append(
                "the unique index '\(PrintableText.of(name))' has '\(loose[0] ?? "")' in the collation \(loose[1] ?? ""), in "
                    + "which different texts are equal")
        }
        return differences
    }
}
