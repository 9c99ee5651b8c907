internal import PipelineCore

/// A table that is there already, beside what the layout wants it to be.
struct ExistingTable {
    private let definition: TableDefinition
    private let relation: SchemaCatalog.Relation
    private let tables: PostgresTables

    init(_ definition: TableDefinition, _ relation: SchemaCatalog.Relation, _ tables: PostgresTables) {
        self.definition = definition
        self.relation = relation
        self.tables = tables
    }

    /// The statements that add what is missing.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` that names every difference that can't be mended.
    func statements() throws -> [String] {
        guard relation.kind == "r" || relation.kind == "p" else {
            throw PipelineError(
                .configuration,
                "\(tables.target): '\(definition.name)' is there, but isn't a table",
                hint: "Rename it, or name another schema.")
        }
        var differences: [String] = []
        var missing: [Column] = []
        for column in definition.columns {
            let isKey = definition.key.contains(column.name)
            guard let found = relation.columns.first(where: { $0.name == column.name }) else {
                if isKey {
                    differences.append("key column '\(column.name)' is missing")
                } else {
                    missing.append(column)
                }
                continue
            }
            let type = PostgresTables.typeName(column.type)
            if found.type != type { differences.append("column '\(column.name)' is \(found.type), not \(type)") }
            if isKey, !found.comparesBytes {
                differences.append("column '\(column.name)' has a collation in which different texts are equal")
            }
        }
        for column in relation.columns where definition.index(of: column.name) == nil {
            if column.isRequired, !column.isFilledByServer {
                differences.append("column '\(column.name)', which isn't the layout's, is NOT NULL without a default")
            }
        }
        if relation.key != definition.key {
            differences.append(
                "its key is (\(relation.key.joined(separator: ", "))), not (\(definition.key.joined(separator: ", ")))")
        }
        guard differences.isEmpty else { throw refusal(differences, "Write to another schema, or rename the table.") }
        if !missing.isEmpty, tables.onNewColumns == .refuse {
            throw refusal(
                missing.map { "column '\($0.name)' is missing" },
                "Add what is missing, or let on_new_columns: add do it.")
        }
        return missing.map {
            "ALTER TABLE \(tables.name(definition.name)) ADD COLUMN "
                + PostgresTables.declaration($0, isKey: false)
        }
            + definition.indexes.filter { wanted in !relation.indexes.contains { $0.starts(with: wanted) } }.map {
                tables.index(on: definition.name, $0)
            }
    }

    private func refusal(_ differences: [String], _ hint: String) -> PipelineError {
        PipelineError(
            .configuration,
            "\(tables.target): table '\(definition.name)' exists and differs: "
                + differences.joined(separator: "; "), hint: hint)
    }
}
