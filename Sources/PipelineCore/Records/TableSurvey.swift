/// A column of a database that may hold user IDs. Holds none of them.
package struct TableSurvey: Sendable {
    /// The table's or view's name as a person writes it, with its schema where that is needed.
    package var table: String
    package var column: String
    /// One SELECT of the column, without NULLs.
    package var query: String
    /// Rows of the table; nil where finding it out would take long.
    package var rows: InputCount?
    package var sample: ColumnSample
    /// What such a column is worth beside others: `UserIDColumn`.
    package var points: Int

    package init(
        table: String, column: String, query: String, rows: InputCount?, sample: ColumnSample, points: Int
    ) {
        self.table = table
        self.column = column
        self.query = query
        self.rows = rows
        self.sample = sample
        self.points = points
    }
}

/// What somebody has said of where a database's user IDs are.
package struct DatabaseChoice: Sendable {
    package var table: String?
    package var column: String?
    /// Stands for both.
    package var query: String?

    package init(table: String? = nil, column: String? = nil, query: String? = nil) {
        self.table = table
        self.column = column
        self.query = query
    }

    /// Whether a column could be meant: by what was said, else by its name.
    ///
    /// - Parameters:
    ///   - alias: the table's other name, with its schema.
    ///   - isOwn: The table is what a pipeline has written: it is meant where it is named.
    package func admits(_ column: String, of table: String, alias: String? = nil, isOwn: Bool) -> Bool {
        if let named = self.table {
            guard named == table || named == alias else { return false }
        } else if isOwn {
            return false
        }
        if let named = self.column { return named == column }
        return self.table != nil || UserIDColumn.points(for: [column]) > 0
    }

    /// Whether a table that stands beside Sluice's ledgers is one of Sluice's own.
    package static func isOwn(columns: [String]) -> Bool {
        columns.contains("application_id") || columns.contains("run_id")
    }
}

/// What a database holds that may be user IDs.
package struct DatabaseSurvey: Sendable {
    /// Where it is, without a password.
    package var place: String
    /// All tables and views with their columns.
    package var tables: [(name: String, columns: [String])]
    /// Sluice's ledgers are there.
    package var isStore: Bool
    /// The columns that may hold user IDs, the likeliest first.
    package var candidates: [TableSurvey]

    /// So many rows of a column are looked at, and so many columns.
    package static let mostRows = 10_000
    package static let mostCandidates = 24

    package init(
        place: String, tables: [(name: String, columns: [String])], isStore: Bool, candidates: [TableSurvey]
    ) {
        self.place = place
        self.tables = tables
        self.isStore = isStore
        // Of equal ones the first in the database's order.
        self.candidates = candidates.enumerated().sorted {
            ($1.element.points, $0.offset) < ($0.element.points, $1.offset)
        }.map(\.element)
    }

    /// The column that clearly counts before all others; nil where nobody can tell.
    package var clearest: TableSurvey? {
        guard let first = candidates.first else { return nil }
        // A column of the same table says no less about the same users.
        guard let rival = candidates.first(where: { $0.table != first.table }) else { return first }
        return first.points - rival.points >= 20 ? first : nil
    }
}
