import PipelineCore
import PipelineTesting
import SQLStore

/// A database that notes what it is asked, and answers what a test has laid down.
final class ScriptedDatabase: SQLDatabase {
    let place = "here"
    let placeOption: String
    /// By a part of the statement; the first one that fits counts.
    var answers: [(part: String, rows: [[String?]])] = []
    private(set) var asked: [(sql: String, arguments: [String?])] = []

    init(placeOption: String = "path", _ answers: [(part: String, rows: [[String?]])] = []) {
        self.placeOption = placeOption
        self.answers = answers
    }

    func name(_ table: String) -> String { "s.\(table)" }
    func parameter(_ number: Int) -> String { "#\(number)" }
    func declaration(of column: Column, isKey: Bool) -> String { "\(column.name) \(column.type)" }
    /// By table.
    var tables: [String: Set<String>] = [:]
    func columns(of table: String) throws -> Set<String> {
        meanwhile(table)
        return tables[table] ?? []
    }
    /// What another process does just before this one is told a table's columns.
    var meanwhile: (String) -> Void = { _ in }
    func text(of column: Column) -> String { "text(\(column.name))" }
    let rowLock = " LOCKED"

    func rows(_ sql: String, _ arguments: [String?]) throws -> [[String?]] {
        asked.append((sql, arguments))
        return answers.first { sql.contains($0.part) }?.rows ?? []
    }
}

extension StoreLayout {
    /// The fixture's tables.
    static func trial(_ mode: WriteMode, pipeline: String = "nightly") throws -> StoreLayout {
        try StoreLayout(SinkContext(pipeline: pipeline, tables: SinkFixture.tables(for: mode)), mode: mode)
    }
}
