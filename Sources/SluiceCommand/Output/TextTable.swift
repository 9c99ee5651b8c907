internal import PipelineEngine

/// Rows as lines of aligned columns, or as records, for a person.
struct TextTable {
    struct Cell {
        var text: String
        /// Numbers stand on the right.
        var isNumber = false
    }

    var columns: [String]
    var rows: [[Cell]]

    /// No column is wider, so that a hash is whole; what is longer is cut.
    static let widest = 64

    /// How the cells look: on one line each, and not too long.
    private var shownRows: [[Cell]] {
        rows.map { $0.map { Cell(text: Self.cut(Self.shown($0.text)), isNumber: $0.isNumber) } }
    }

    private func widths(_ cells: [[Cell]]) -> [Int] {
        columns.indices.map { column in
            max(DisplayWidth.of(columns[column]), cells.map { DisplayWidth.of($0[column].text) }.max() ?? 0)
        }
    }

    /// Columns of a terminal that its lines take.
    var width: Int { widths(shownRows).reduce(0, +) + 2 * max(0, columns.count - 1) }

    /// A header, a rule and a line for each row, each ended by a line feed.
    var text: String {
        let cells = shownRows
        let widths = widths(cells)
        var lines = [line(columns.map { Cell(text: $0) }, widths)]
        lines.append(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "))
        lines += cells.map { line($0, widths) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// A block for each row, with a line for each column that has something in it: its name, and the value, which goes on
    /// below itself where it doesn't fit.
    ///
    /// - Parameter width: Columns of the terminal.
    func records(width: Int) -> String {
        let label = columns.map { DisplayWidth.of($0) }.max() ?? 0
        let room = max(10, width - label - 2)
        let blocks = shownRows.enumerated().map { number, cells in
            var lines = ["── \(number + 1) " + String(repeating: "─", count: max(2, min(label, width - 8)))]
            for (column, cell) in zip(columns, cells) where !cell.text.isEmpty {
                var name = column
                for part in Self.parts(of: cell.text, room) {
                    lines.append(
                        name + String(repeating: " ", count: label + 2 - DisplayWidth.of(name)) + part)
                    name = ""
                }
            }
            return lines.map { $0 + "\n" }.joined()
        }
        return blocks.joined()
    }

    /// A text in pieces that fit.
    private static func parts(of text: String, _ room: Int) -> [String] {
        var parts = [""]
        var rest = room
        for character in text {
            let width = DisplayWidth.of(character)
            if width > rest {
                parts.append("")
                rest = room
            }
            parts[parts.count - 1].append(character)
            rest -= width
        }
        return parts
    }

    private func line(_ cells: [Cell], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let space = String(repeating: " ", count: max(0, widths[index] - DisplayWidth.of(cell.text)))
            if index > 0 { line += "  " }
            line += cell.isNumber ? space + cell.text : cell.text + space
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// On one line, and without anything that would move what follows it.
    static func shown(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            // Joiners and marks of direction that belong to words and emoji.
            case "\u{200C}", "\u{200D}", "\u{AD}": result.append(scalar)
            case "\u{E0020}"..."\u{E007F}": result.append(scalar)
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator:
                    result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
                default: result.append(scalar)
                }
            }
        }
        return String(result)
    }

    static func cut(_ text: String) -> String {
        guard DisplayWidth.of(text) > widest else { return text }
        var width = 1
        var result = ""
        for character in text {
            width += DisplayWidth.of(character)
            if width > widest { break }
            result.append(character)
        }
        return result + "…"
    }
}
