internal import PipelineCore

/// Writes rows as JSON objects, a line each, straight from the cells and their arena.
///
/// Keys stand in column order and every row has every key. Texts and times are strings; JSON is a string that holds it,
/// nested only where its form is the same in every row; a double is its shortest decimal that reads back as the same double.
struct JSONLines: Sendable {
    /// For each column what stands in front of its value: `{"application_id":`, `,"user_id":`.
    private let keys: [[UInt8]]
    private let keyBytes: Int
    /// For each column whether its JSON is a nested value.
    private let nests: [Bool]

    init(_ table: TableDefinition) {
        nests = table.columns.map(\.hasFixedForm)
        keys = table.columns.enumerated().map { index, column in
            var writer = JSONWriter()
            writer.value(column.name)
            return Array((index == 0 ? "{" : ",").utf8) + writer.bytes + [UInt8(ascii: ":")]
        }
        keyBytes = keys.reduce(0) { $0 + $1.count }
    }

    /// Cuts rows into segments of about this many bytes of text, at least one row each. Depends on the rows alone.
    func segments(of rows: RowBuffer, bytes: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        var size = 0
        let columns = rows.columnCount
        rows.withUnsafeContents { cells, _ in
            for row in 0..<rows.rowCount {
                size += keyBytes
                for cell in cells[row * columns..<(row + 1) * columns] { size += Self.estimate(cell) }
                guard size >= bytes else { continue }
                result.append(start..<row + 1)
                start = row + 1
                size = 0
            }
        }
        if start < rows.rowCount { result.append(start..<rows.rowCount) }
        return result
    }

    /// Bytes of a value with nothing to escape; numbers, whose length isn't known yet, count as a few digits.
    private static func estimate(_ cell: Cell) -> Int {
        switch cell.kind {
        case .null, .integer, .real: 6
        case .text, .time, .json: Int(cell.length) + 2
        }
    }

    /// The most bytes that a row can take.
    private func bound(_ cells: Slice<UnsafeBufferPointer<Cell>>) -> Int {
        cells.reduce(keyBytes + 2) { sum, cell in
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
                text.append(UInt8(ascii: "}"))
                text.append(UInt8(ascii: "\n"))
            }
        }
    }
}
