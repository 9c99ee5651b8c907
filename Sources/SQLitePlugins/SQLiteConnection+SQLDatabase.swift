internal import PipelineCore
internal import SQLStore

extension SQLiteConnection: SQLDatabase {
    var place: String { path }
    var placeOption: String { "path" }
    func name(_ table: String) -> String { quoted(table) }
    func parameter(_ number: Int) -> String { "?\(number)" }
    func text(of column: Column) -> String { quoted(column.name) }
    /// A transaction that writes takes the one lock on writing when it begins.
    var rowLock: String { "" }
}
