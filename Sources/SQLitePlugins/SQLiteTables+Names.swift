internal import PipelineCore
internal import SQLStore

extension SQLiteTables {
    /// - Parameter kinds: what there is in the database, by name.
    /// - Throws: `PipelineError` of kind `.configuration` where something has a name of this program's in another case: to
    ///   SQLite that is the same name.
    func checkSpelling(of kinds: [String: String], in connection: SQLiteConnection) throws {
        var names = layout.all.flatMap(Self.names)
        if layout.mode.publishesAtEnd { names += layout.content.map(StoreLayout.shadow).flatMap(Self.names) }
        if userAttributesView != nil { names.append(UserAttributesView.name) }
        let own = Dictionary(names.map { (Self.folded($0), $0) }) { first, _ in first }
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            guard let wanted = own[Self.folded(name)], wanted != name else { continue }
            throw PipelineError(
                .configuration,
                "\(connection.path): \(kind) '\(PrintableText.of(name))' is there, which SQLite takes for '\(wanted)', a name "
                    + "that this program needs",
                hint: "Rename it, or name another path.")
        }
    }

    private static func names(of definition: TableDefinition) -> [String] {
        [definition.name] + definition.indexes.map { indexName(definition, $0) }
    }

    /// A name as SQLite compares it: without the case of ASCII letters.
    static func folded(_ name: String) -> String {
        String(decoding: name.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }

    /// The statements that make the indexes which a table lacks, and drop those that an earlier version made in their place.
    func missingIndexes(
        of definition: TableDefinition, in connection: SQLiteConnection, _ kinds: [String: String]
    ) throws -> [String] {
        var statements: [String] = []
        for columns in definition.indexes {
            let name = Self.indexName(definition, columns)
            switch kinds[name] {
            case nil: statements.append(Self.createIndex(definition, columns))
            case "index": break
            case let kind?:
                throw PipelineError(
                    .configuration, "\(connection.path): '\(name)' is a \(kind) there, not an index",
                    hint: "Rename it, or name another path.")
            }
        }
        for columns in definition.formerIndexes {
            let name = Self.indexName(definition, columns)
            let stored = try connection.query(
                "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1 AND sql = ?2", name,
                Self.createIndex(definition, columns))
            if !stored.isEmpty { statements.append("DROP INDEX IF EXISTS \(quoted(name))") }
        }
        return statements
    }
}
