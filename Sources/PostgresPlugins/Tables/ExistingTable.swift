internal import PipelineCore
internal import SQLStore

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
            if definition.comparedColumns.contains(column.name), !found.comparesBytes {
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
        if relation.isKeyDeferrable {
            differences.append("its key is DEFERRABLE, and by such a key no row can be replaced")
        }
        guard differences.isEmpty else { throw refusal(differences, "Write to another schema, or rename the table.") }
        if tables.layout.onNewColumns == .refuse, !missing.allSatisfy({ tables.layout.isOwn($0, of: definition) }) {
            throw refusal(
                missing.map { "column '\($0.name)' is missing" },
                "Add what is missing, or let on_new_columns: add do it.")
        }
        return missing.map {
            "ALTER TABLE \(tables.name(definition.name)) ADD COLUMN "
                + PostgresTables.declaration($0, isKey: false)
        }
            + missingIndexes.map { tables.index(on: definition.name, $0) }
    }

    /// The indexes that the table lacks. Where this role can't make one, the one that an earlier version made will do.
    private var missingIndexes: [[String]] {
        func exists(_ columns: [String]) -> Bool { relation.indexes.contains { $0.columns.starts(with: columns) } }
        return definition.indexes.filter { wanted in
            !exists(wanted) && (relation.isOwn || !definition.formerIndexes.contains(where: exists))
        }
    }

    /// The names of indexes that an earlier version made, and that others have taken the place of.
    var formerIndexes: [String] {
        guard relation.isOwn, missingIndexes.isEmpty else { return [] }
        return definition.formerIndexes.flatMap { columns in
            // As the server names an index that is made without a name.
            let name = ([definition.name] + columns + ["idx"]).joined(separator: "_")
            return relation.indexes.filter { $0.isPlain && $0.columns == columns && $0.name == name }.map(\.name)
        }
    }

    private func refusal(_ differences: [String], _ hint: String) -> PipelineError {
        PipelineError(
            .configuration,
            "\(tables.target): table '\(definition.name)' exists and differs: "
                + differences.joined(separator: "; "), hint: hint)
    }
}
