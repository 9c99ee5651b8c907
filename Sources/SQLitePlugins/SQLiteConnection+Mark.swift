internal import PipelineCore
internal import SQLStore
internal import StoreFormat

/// The two numbers in a database's header that say whose file it is, and in which form: `file` shows them.
extension SQLiteConnection {
    /// `sluc` in ASCII.
    private static let applicationID = 0x736c_7563

    func mark() throws -> StoreFormat? {
        guard try number("application_id") == Self.applicationID else { return nil }
        return StoreFormat(try number("user_version"))
    }

    /// Does nothing where the file belongs to somebody else as well.
    func mark(_ format: StoreFormat) throws {
        for statement in try marking(format) { try execute(statement) }
    }

    /// The statements that mark the file; none where it is marked so, or belongs to somebody else as well.
    func marking(_ format: StoreFormat) throws -> [String] {
        let (application, version) = (try number("application_id"), try number("user_version"))
        if application == Self.applicationID {
            return version == format.number ? [] : ["PRAGMA user_version = \(format)"]
        }
        guard application == 0, version == 0, try isOurs() else { return [] }
        return ["PRAGMA application_id = \(Self.applicationID)", "PRAGMA user_version = \(format)"]
    }

    private func number(_ pragma: String) throws -> Int {
        try query("PRAGMA \(pragma)").first?[0].flatMap { Int($0) } ?? 0
    }

    /// Whether every table is this program's.
    private func isOurs() throws -> Bool {
        let tables = try query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
            .compactMap { $0[0] }
        var own = Set((LedgerTables.all + [MergeRecords.removals]).map(\.name))
        if tables.contains(LedgerTables.owners.name) {
            let written = try query("SELECT table_name FROM \(quoted(LedgerTables.owners.name))").compactMap { $0[0] }
            own.formUnion(written + written.map(StoreLayout.shadowName))
        }
        return tables.allSatisfy(own.contains)
    }
}
