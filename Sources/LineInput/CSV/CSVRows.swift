/// Cuts CSV into rows, passes over empty ones, and counts lines.
struct CSVRows {
    var scanner: CSVScanner
    /// Lines completely before the next row.
    var line: UInt64 = 0

    init(separator: UInt8) { scanner = CSVScanner(separator: separator, wanted: nil) }

    /// The number of the line on which the next row begins, from 1.
    var number: Int { Int(line) + 1 }

    /// Consumes a line that names the separator, `sep=;`; nil, and nothing is consumed, where there is none.
    mutating func readSeparatorLine(_ input: InputWindow) throws -> UInt8? {
        let separator = try SeparatorLine.consume(input)
        if separator != nil { line += 1 }
        return separator
    }

    /// Goes to the next row that isn't empty; nil at the end of input. What is found is to be consumed.
    ///
    /// - Throws: `InputDamage`, and what the scanner throws; a partial row before it is still in the window as far as it is held.
    mutating func next(_ input: InputWindow) throws -> CSVScanner.Row? {
        while true {
            switch try scanner.scan(input) {
            case .end: return nil
            case .blank(let length): consume(input, length, lines: 1)
            case .row(let row): return row
            }
        }
    }

    /// Consumes the row that was found.
    mutating func consume(_ input: InputWindow, _ row: CSVScanner.Extent) {
        consume(input, row.length, lines: row.lines)
    }

    mutating func consume(_ input: InputWindow, _ length: Int, lines: Int) {
        input.consume(length)
        line += UInt64(lines)
    }

    /// Consumes the row that was found as the header: it says how many fields a row has.
    ///
    /// - Returns: The columns' names.
    mutating func consumeHeader(_ input: InputWindow, _ row: CSVScanner.Extent) -> [[UInt8]] {
        let names = Array(scanner.fields)
        scanner.width = row.fieldCount
        consume(input, row)
        return names
    }

    /// Consumes the line at hand, of any length.
    mutating func consumeLine(_ input: InputWindow) throws {
        if try input.consumeLine() { line += 1 }
    }
}
