/// Lines of cells, one below the other.
enum AlignedColumns {
    /// - Parameter right: columns whose cells stand on the right, as numbers do.
    static func lines(_ rows: [[String]], right: Range<Int>) -> [String] {
        guard let count = rows.first?.count else { return [] }
        let widths = (0..<count).map { column in rows.map { DisplayWidth.of($0[column]) }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - DisplayWidth.of(cell))
                return right.contains(column) ? space + cell : column == count - 1 ? cell : cell + space
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
