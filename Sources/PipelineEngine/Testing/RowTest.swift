/// Documents, and the rows that a pipeline is expected to make of them.
public struct RowTest: Sendable {
    /// Endpoints or whole answers, as JSON texts.
    public var documents: [String]
    /// The user ID that was asked for; nil where the documents tell it.
    public var user: String?
    /// The sink whose rows are meant; nil for every sink's.
    public var sink: String?
    /// For each table that is looked at, all of its rows in order, each a JSON text of the columns that are compared.
    public var rows: [(table: String, rows: [String])]

    public init(documents: [String], user: String?, sink: String?, rows: [(table: String, rows: [String])]) {
        self.documents = documents
        self.user = user
        self.sink = sink
        self.rows = rows
    }
}

/// Where a table of a test isn't what was expected.
public struct RowDifference: Sendable, Equatable, CustomStringConvertible {
    /// The sinks that get these rows.
    public var sinks: [String]
    public var table: String
    /// From 1; nil where the table as a whole is meant.
    public var row: Int?
    public var column: String?
    /// `expected "***", found "a@b.c"`
    public var message: String

    public var description: String {
        var place = table
        if let row { place += ", row \(row)" }
        if let column { place += ", \(column)" }
        return "\(place): \(message)"
    }
}
