internal import PipelineCore

/// What one program's SQL has in its own way. `SQLScript` makes the statements of it.
protocol SQLDialect {
    /// The program's name.
    var title: String { get }
    /// What users have to know, a line each.
    var remarks: [String] { get }
    /// What follows a primary key in a table's definition: nothing where the program enforces it.
    var keySuffix: String { get }
    /// The statements around what is done at once.
    var transaction: (begin: String, end: String) { get }
    /// A name as the program spells it.
    func quoted(_ name: String) -> String
    /// What comes first of all: that an error ends the script, where the program has to be told.
    var preparation: [String] { get }
    /// Whether tables have indexes beside their keys.
    var hasIndexes: Bool { get }
    /// What a column of the rows becomes: one column of the table, or two.
    func stored(_ column: Column, isKey: Bool) -> [StoredColumn]
    /// Fills a table of this name with a table's rows as they are published, in the columns' order.
    func staging(_ name: String, _ table: TableDefinition, _ published: PublishedTables) -> [String]
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
    var transaction: (begin: String, end: String) { ("BEGIN;", "COMMIT;") }
    func quoted(_ name: String) -> String { "\"\(name)\"" }

    func quoted(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

    /// A text as the program spells it.
    func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
}

/// A text as a POSIX shell takes it, wildcards at its end aside.
func shellWord(_ folder: String) -> String { "'\(folder.replacing("'", with: "'\\''"))'" }
