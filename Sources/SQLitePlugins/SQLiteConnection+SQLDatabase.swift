internal import PipelineCore
internal import SQLStore

extension SQLiteConnection: SQLDatabase {
    var place: String { path }
    var placeOption: String { "path" }
    func name(_ table: String) -> String { quoted(table) }
    func parameter(_ number: Int) -> String { "?\(number)" }
    func declaration(of column: Column, isKey: Bool) -> String {
        "\(quoted(column.name)) \(SQLiteTables.typeName(column.type))"
    }

    func columns(of table: String) throws -> Set<String> {
        Set(try query("SELECT name FROM pragma_table_info(?1)", table).compactMap { $0[0] })
    }
    func text(of column: Column) -> String { quoted(column.name) }
    /// A transaction that writes takes the one lock on writing when it begins.
    var rowLock: String { "" }
}
