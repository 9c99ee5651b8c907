/// The type of a column, as the tables' definitions name it. Each sink maps it to a type of its own.
public enum ColumnType: String, Sendable, Hashable {
    /// UTF-8 without U+0000 and lone surrogates.
    case text
    /// A signed 64-bit integer.
    case integer
    /// An IEEE 754 double, never infinite and never NaN.
    case real
    /// A JSON document that Postgres' `jsonb` can hold.
    case json
    /// UTC text with exactly three decimals, `2026-01-02T03:04:05.678Z`.
    case time
}

/// One column of a table.
public struct Column: Sendable, Hashable {
    public var name: String
    public var type: ColumnType
    /// Of JSON that has one form in every row: which one. Readers that guess types can take it nested. Other JSON, nil, has
    /// free names and numbers of any size, which some readers refuse; a format that such readers read has it as text.
    public var entries: MapEntries?

    public init(_ name: String, _ type: ColumnType, entries: MapEntries? = nil) {
        self.name = name
        self.type = type
        self.entries = entries
    }
}

/// What the entries of a map are where a column has them as a list.
public enum MapEntries: Sendable, Hashable {
    /// `{"name":"Interests","values":["a"]}`
    case texts
    /// `{"name":"age","value":39.0}`
    case number
}

/// What a table's rows are, so that a sink can replace a user's rows as a whole without knowing names.
public enum TableRole: Sendable, Hashable {
    /// One row for each user that was fetched; its key is (application_id, user_id).
    case users
    /// One row for each endpoint; its key is (application_id, endpoint_id).
    case endpoints
    /// Rows that belong to an endpoint and go with it; they begin with (application_id, endpoint_id).
    case endpointParts
    /// One row for each failed record of a run; nothing ever removes them but the run itself.
    case failures
    /// What a store keeps of its runs beside their rows; no layout has such a table, and no batch rows for it.
    case ledger
}

/// A table as a layout defines it: columns in order, key, indexes.
public struct TableDefinition: Sendable, Hashable {
    public var name: String
    public var role: TableRole
    public var columns: [Column]
    /// The key's columns, in order; they are NOT NULL.
    public var key: [String]
    /// Further indexes, each a list of columns.
    public var indexes: [[String]]

    public init(name: String, role: TableRole, columns: [Column], key: [String], indexes: [[String]] = []) {
        self.name = name
        self.role = role
        self.columns = columns
        self.key = key
        self.indexes = indexes
    }

    /// The place of a column in `columns`.
    public func index(of column: String) -> Int? {
        columns.firstIndex { $0.name == column }
    }
}
