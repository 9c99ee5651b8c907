internal import PipelineCore

extension RowBuffer {
    /// The rows that are kept.
    func rows(_ isKept: [Bool]) -> RowBuffer {
        var result = RowBuffer(columnCount: columnCount)
        for row in 0..<rowCount where isKept[row] { result.append(row: row, of: self) }
        return result
    }

    /// The groups that are kept, with their ends.
    func groups(_ isKept: [Bool]) -> RowBuffer {
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
}
