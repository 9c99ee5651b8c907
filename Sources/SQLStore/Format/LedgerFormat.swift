internal import PipelineCore
public import StoreFormat

/// An SQL store as its format goes: which one it has, and how an older one becomes the current one.
public struct LedgerFormat: VersionedStore {
    let database: any SQLDatabase
    private let transaction: (() throws -> Void) throws -> Void

    /// - Parameter transaction: does all of something at once or nothing of it, while nobody else changes tables.
    public init(_ database: any SQLDatabase, transaction: @escaping (() throws -> Void) throws -> Void) {
        self.database = database
        self.transaction = transaction
    }

    public var place: String { database.place }

    public func format() throws -> StoreFormat { try Self.number(in: database) }

    public func migrate(_ body: () throws -> StoreFormat) throws {
        try transaction {
            let format = try body()
            try database.rows(FormatTable.noting(.ledger, format.number, in: database))
            try database.mark(format)
            try Failpoint.reach("sqlstore.migrate.before-commit")
        }
        try Failpoint.reach("sqlstore.migrate.after-commit")
    }

    /// Brings an older store to the current format.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` as `check(_:)`; whatever the database says.
    public func bringUpToDate() throws { try LedgerMigrations.all.perform(on: self) }

    /// The statement that notes the format of a store that is made, where it has none yet.
    ///
    /// `sluice_format` must be there when it is run.
    public static func missing(in database: any SQLDatabase) throws -> [String] {
        guard try FormatTable.number(of: .ledger, in: database) == nil else { return [] }
        return [FormatTable.noting(.ledger, StoreFormat.current.number, in: database)]
    }

    /// Whoever opens a store asks this first: nothing in it means anything before.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where a later version wrote the store, or where its number can't be
    ///   read.
    public static func check(_ database: any SQLDatabase) throws {
        try number(in: database).check(of: database.place)
    }

    /// The format of what is there; where nothing is, the current one.
    private static func number(in database: any SQLDatabase) throws -> StoreFormat {
        // Another process may make or migrate the store between two of the questions. What makes no sense is asked once
        // more: by then all that it has committed is seen.
        for _ in 0..<2 { if let format = try seen(in: database) { return format } }
        let table = FormatTable.definition.name
        throw StoreFormat.unreadable(database.place, "\(table), which says its format, is gone or has no row for it")
    }

    /// One look, question by question; nil where the answers don't fit together.
    private static func seen(in database: any SQLDatabase) throws -> StoreFormat? {
        let mark = try database.mark()
        // What a later version has marked needn't have tables that this one knows.
        if let mark, mark > .current { return mark }
        if let number = try FormatTable.number(of: .ledger, in: database) { return StoreFormat(number) }
        let tables = [LedgerTables.runs, LedgerTables.checkpoints].map(\.name)
        guard try tables.contains(where: { try !database.columns(of: $0).isEmpty }) else { return .current }
        // The first format has neither, and counts its records otherwise.
        let isFirst =
            try mark == nil && database.columns(of: FormatTable.definition.name).isEmpty
            && !database.columns(of: LedgerTables.checkpoints.name).contains("consumed")
        return isFirst ? .first : nil
    }
}
