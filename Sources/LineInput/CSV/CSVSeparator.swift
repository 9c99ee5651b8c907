/// What stands between the fields of a CSV file, where nobody says.
enum CSVSeparator {
    /// In the order in which they are preferred: `,` `;` tab `|`
    static let candidates: [UInt8] = [0x2C, 0x3B, 0x09, 0x7C]

    /// Looks at the first row; nothing is consumed.
    ///
    /// Of the separators under which the wanted column is found in the header it is the one that stands there most often
    /// outside quotes, else of all of them; the comma where none does.
    ///
    /// - Parameter column: The column in the header; nil where there is no header.
    static func find(in input: InputWindow, column: CSVColumn?) throws -> UInt8 {
        let counts = try occurrences(input)
        var best: (separator: UInt8, hasColumn: Bool, count: Int)?
        for (separator, count) in zip(candidates, counts) {
            var hasColumn = false
            if case .name(let name) = column {
                hasColumn = try firstRow(input, separator).contains(Array(name.utf8))
            }
            if let best, (best.hasColumn ? 1 : 0, best.count) >= (hasColumn ? 1 : 0, count) { continue }
            best = (separator, hasColumn, count)
        }
        return best?.separator ?? candidates[0]
    }

    /// How often each candidate stands in the first row outside quotes.
    private static func occurrences(_ input: InputWindow) throws -> [Int] {
        var counts = candidates.map { _ in 0 }
        var isQuoted = false
        var index = 0
        while index <= CSVScanner.longestQuotedField {
            if index == input.count, try !input.extend() { break }
            let byte = input.bytes[index]
            if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if !isQuoted {
                if byte == 0x0A || byte == 0x0D { break }
                if let place = candidates.firstIndex(of: byte) { counts[place] += 1 }
            }
            index += 1
        }
        return counts
    }

    /// The fields of the first row, as this separator cuts it; none where that is no row.
    private static func firstRow(_ input: InputWindow, _ separator: UInt8) throws -> ArraySlice<[UInt8]> {
        var scanner = CSVScanner(separator: separator, wanted: nil)
        guard case .row(.complete) = try scanner.scan(input) else { return [] }
        return scanner.fields
    }
}
