internal import PipelineCore

/// What one program's SQL has in its own way. `SQLScript` makes the statements of it.
protocol SQLDialect {
    /// The program's name.
    var title: String { get }
    /// What users have to know, a line each.
    var remarks: [String] { get }
    /// What follows a primary key in a table's definition: nothing where the program enforces it.
    var keySuffix: String { get }
    /// A name as the program spells it.
    func quoted(_ name: String) -> String
    /// A text as the program spells it.
    func literal(_ text: String) -> String
    /// What comes first of all: that an error ends the script, where the program has to be told.
    var preparation: [String] { get }
    /// Whether tables have indexes beside their keys.
    var hasIndexes: Bool { get }
    /// What a column of the rows becomes: one column of the table, or two.
    func stored(_ column: Column, isKey: Bool) -> [StoredColumn]

    /// How statements call a table that lasts as long as the session, so that no other one is meant.
    func temporary(_ name: String) -> String
    /// Makes such a table of a query's rows.
    func making(_ name: String, of query: String) -> String
    /// Fills a temporary table with a table's rows as they are published, in the columns' order.
    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String]
    /// Fills a temporary table with what the run's manifest says: `table_name`, `listed` (its rows) and `run_id`; with nothing
    /// where the folder is a shard's, which isn't a whole run.
    func listing(_ name: String, _ published: PublishedTables) -> [String]
    /// Fails where a temporary table has no row, because of a mistake in these words. `counted` has the tables' rows as they are
    /// `found` and `listed`.
    func refusing(unless checked: String, _ mistake: String, counted: String) -> [String]
    /// Statements that are done all at once or not at all, also in a client that goes on behind an error.
    func atOnce(_ statements: [String]) -> [String]
}

/// A column of a table in a program's SQL.
struct StoredColumn {
    var name: String
    var type: String
    /// Its value, of what the staged column holds, which is named by the text that is passed.
    var value: @Sendable (String) -> String = { $0 }
}

extension SQLDialect {
    var remarks: [String] { [] }
    var keySuffix: String { "" }
    var preparation: [String] { [] }
    var hasIndexes: Bool { false }
    func quoted(_ name: String) -> String { "\"\(name)\"" }

    func quoted(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

    func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }

    func temporary(_ name: String) -> String { quoted(name) }

    func making(_ name: String, of query: String) -> String { "CREATE TEMP TABLE \(quoted(name)) AS\n\(query);" }

    func atOnce(_ statements: [String]) -> [String] { ["BEGIN;"] + statements + ["COMMIT;"] }
}

/// A text as a POSIX shell takes it, wildcards at its end aside.
func shellWord(_ folder: String) -> String { "'\(folder.replacing("'", with: "'\\''"))'" }
