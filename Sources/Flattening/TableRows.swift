internal import PipelineCore

/// One table's buffer, with the cells that many of its rows share.
struct TableRows: Sendable {
    var buffer: RowBuffer
    let runID: Cell
    let logicalDate: Cell
    let emptyMap: Cell
    var applicationID = Cell.null
    var userID = Cell.null

    init(_ table: TableDefinition, _ run: RowContext) {
        buffer = RowBuffer(columnCount: table.columns.count)
        runID = buffer.store(.text, run.runID)
        logicalDate = buffer.store(.time, run.logicalDate)
        emptyMap = table.role == .endpoints ? buffer.store(.json, "{}") : .null
    }

    /// Stores a text that may hold U+0000, with U+FFFD in its place; nil is null.
    mutating func store(replacingNull text: String?) -> Cell {
        guard let text else { return .null }
        guard text.utf8.contains(0) else { return buffer.store(.text, text) }
        return buffer.store(
            .text, String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 })))
    }

    /// Stores a string of the tape.
    @inline(__always)
    mutating func store(_ node: TapeNode, _ contents: TapeContents) -> Cell {
        if node.flags.contains(.escaped) {
            return buffer.store(.text, capacity: Int(node.length)) { contents.decode(node, into: $0) }
        }
        return buffer.store(.text, UnsafeRawBufferPointer(contents.source(node)))
    }
}
