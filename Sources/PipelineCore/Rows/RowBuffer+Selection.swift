extension RowBuffer {
    /// The rows that are kept.
    package func rows(_ isKept: [Bool]) -> RowBuffer {
        var result = RowBuffer(columnCount: columnCount)
        for row in 0..<rowCount where isKept[row] { result.append(row: row, of: self) }
        return result
    }

    /// The groups that are kept, with their ends.
    package func groups(_ isKept: [Bool]) -> RowBuffer {
        var result = RowBuffer(columnCount: columnCount)
        var row = 0
        for (group, end) in groupEnds.enumerated() {
            if isKept[group] {
                while row < end {
                    result.append(row: row, of: self)
                    row += 1
                }
                result.endGroup()
            }
            row = end
        }
        return result
    }

    private mutating func append(row: Int, of other: RowBuffer) {
        for cell in other.cells[row * columnCount..<(row + 1) * columnCount] {
            switch cell.kind {
            case .null, .integer, .real: append(cell)
            case .text, .json, .time:
                let start = Int(cell.bits)
                append(other.arena[start..<start + Int(cell.length)].withUnsafeBytes { store(cell.kind, $0) })
            }
        }
    }

    /// Appends one value to the row at hand, storing its bytes.
    package mutating func append(_ value: RowView.Value) {
        switch value {
        case .null: append(Cell.null)
        case .integer(let number): append(Cell.integer(number))
        case .number(let number): append(Cell.real(number))
        case .text(let text): append(store(.text, text))
        case .json(let text): append(store(.json, text))
        case .time(let text): append(store(.time, text))
        }
    }
}
