public import PipelineCore
public import StoreFormat

/// A connection to an SQL database, as far as the rules that all SQL stores share need it: it runs statements, and spells a
/// few things in its own way.
///
/// Transactions are the caller's, and so is the executor on which all of it is called.
public protocol SQLDatabase {
    /// What messages call the store: its file, or its server and schema.
    var place: String { get }
    /// What a configuration names otherwise to get another store, `path` or `schema`; for hints.
    var placeOption: String { get }
    /// A table's name as statements spell it, with its schema where it has one.
    func name(_ table: String) -> String
    /// The placeholder of a statement's argument, from 1.
    func parameter(_ number: Int) -> String
    /// An expression for a column's value in the text form that rows have: JSON as text, times as
    /// `2026-01-02T03:04:05.678Z`.
    func text(of column: Column) -> String
    /// A column as a statement that makes a table declares it.
    ///
    /// - Parameter isKey: it is found by its value, or compared with others.
    func declaration(of column: Column, isKey: Bool) -> String
    /// The names of a table's columns; none where there is no such table.
    func columns(of table: String) throws -> Set<String>
    /// The format with which the store as a whole is marked, beside its tables; nil where it isn't, or has no place for that.
    func mark() throws -> StoreFormat?
    /// Marks it, where it has a place for that.
    func mark(_ format: StoreFormat) throws
    /// What follows a query so that nobody else changes its rows before the transaction ends; empty where a transaction keeps
    /// all other writers out.
    var rowLock: String { get }
    /// Runs one statement, whose arguments the database takes for values of the types that they meet there.
    ///
    /// - Returns: all rows, with every value as a text.
    @discardableResult
    func rows(_ sql: String, _ arguments: [String?]) throws -> [[String?]]
}

extension SQLDatabase {
    public func mark() throws -> StoreFormat? { nil }
    public func mark(_ format: StoreFormat) throws {}

    /// Runs one statement without arguments.
    @discardableResult
    func rows(_ sql: String) throws -> [[String?]] { try rows(sql, []) }

    /// Whether a table, as statements spell it, has no rows.
    func isEmpty(_ table: String) throws -> Bool { try rows("SELECT 1 FROM \(table) LIMIT 1").isEmpty }

    /// The arguments' placeholders, for a list of values.
    func parameters(_ count: Int) -> String { (1...count).map(parameter).joined(separator: ", ") }
}
