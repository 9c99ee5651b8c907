internal import PipelineCore

/// Writes rows as JSON objects, a line each, straight from the cells and their arena.
///
/// Keys stand in column order and every row has every key. Texts and times are strings; JSON is a string that holds it,
/// nested only where its form is the same in every row; a double is its shortest decimal that reads back as the same double.
struct JSONLines: Sendable {
    /// For each column what stands before its value: `{"application_id":`, `,"user_id":`.
    private let keys: [[UInt8]]
    /// Bytes of all keys: what a row takes beside its values.
    let keyBytes: Int
    /// For each column whether its JSON is a nested value.
    private let nests: [Bool]
    /// What stands around a row on its line.
    private let frame: (beginning: [UInt8], end: [UInt8])

    /// - Parameter naming: writes members of an object that each line is then, behind which the row follows as `row`; nil for
    ///   rows by themselves.
    init(_ table: TableDefinition, naming: ((inout JSONWriter) -> Void)? = nil) {
        if let naming {
            var writer = JSONWriter()
            writer.object { writer in
                naming(&writer)
                writer.key("row")
            }
            frame = (Array(writer.bytes.dropLast()), Array("}}\n".utf8))
        } else {
            frame = ([], Array("}\n".utf8))
        }
        nests = table.columns.map { $0.entries != nil }
        keys = table.columns.enumerated().map { index, column in
            var writer = JSONWriter()
            writer.value(column.name)
            return Array((index == 0 ? "{" : ",").utf8) + writer.bytes + [UInt8(ascii: ":")]
        }
        keyBytes = keys.reduce(0) { $0 + $1.count }
    }

    /// The most bytes that a row's line can take.
    private func bound(_ cells: Slice<UnsafeBufferPointer<Cell>>) -> Int {
        cells.reduce(keyBytes + frame.beginning.count + frame.end.count) { sum, cell in
            switch cell.kind {
            case .null, .integer, .real: sum + 32
            case .text, .time, .json: sum + 6 * Int(cell.length) + 2
            }
        }
    }

    /// Writes these rows behind what the buffer holds.
    func append(_ rows: Range<Int>, of buffer: RowBuffer, to text: inout TextBuffer) {
        let columns = buffer.columnCount
        buffer.withUnsafeContents { cells, arena in
            for row in rows {
                let cells = cells[row * columns..<(row + 1) * columns]
                text.reserve(bound(cells))
                text.append(frame.beginning)
                for (column, cell) in zip(keys.indices, cells) {
                    text.append(keys[column])
                    switch cell.kind {
                    case .null: text.appendNull()
                    case .integer: text.append(cell.integer)
                    case .real: text.append(cell.real)
                    case .text, .time: text.append(quoted: arena.bytes(of: cell))
                    case .json where nests[column]: text.append(json: arena.bytes(of: cell))
                    case .json: text.append(quoted: arena.bytes(of: cell))
                    }
                }
                text.append(frame.end)
            }
        }
    }
}
