internal import PipelineCore

/// One table's rows while they grow, with the cells that many of them share.
struct TableRows: Sendable {
    var builder: RowBuilder
    private(set) var runID = Cell.null
    private(set) var logicalDate = Cell.null
    private(set) var emptyMap = Cell.null
    private(set) var emptyList = Cell.null
    var applicationID = Cell.null
    var userID = Cell.null

    init(_ table: TableDefinition, _ run: RowContext) {
        builder = RowBuilder(columnCount: table.columns.count)
        begin(run)
    }

    /// Stores what all rows of a batch share.
    private mutating func begin(_ run: RowContext) {
        runID = run.runID.map { builder.store(.text, $0) } ?? .null
        logicalDate = run.logicalDate.map { builder.store(.time, $0) } ?? .null
        emptyMap = builder.store(.json, "{}")
        emptyList = builder.store(.json, "[]")
        applicationID = .null
        userID = .null
    }

    /// Gives the rows and begins the next batch.
    mutating func finish(_ run: RowContext) -> RowBuffer {
        let buffer = builder.finish()
        begin(run)
        return buffer
    }

    /// Stores a text that may hold U+0000, with U+FFFD in its place; nil is null.
    mutating func store(replacingNull text: String?) -> Cell {
        guard let text else { return .null }
        guard text.utf8.contains(0) else { return builder.store(.text, text) }
        let scalars = text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }
        return builder.store(.text, String(String.UnicodeScalarView(scalars)))
    }
}
