/// What stands between the fields of a CSV file, where nobody says.
enum CSVSeparator {
    /// In the order in which they are preferred.
    static let candidates: [UInt8] = [0x2C, 0x3B, 0x09, 0x7C]  // , ; tab |

    /// Looks at the first row that isn't empty; nothing is consumed.
    ///
    /// Of the separators under which the wanted column is found in the header it is the one that makes the most fields,
    /// else of all of them; the comma where they make one field all.
    ///
    /// - Parameter column: The column in the header; nil where there is no header.
    static func find(in input: InputWindow, column: CSVFormat.Column?) throws -> UInt8 {
        var best: (separator: UInt8, hasColumn: Bool, fields: Int)?
        for separator in candidates {
            guard let names = try firstRow(input, separator) else { continue }
            var hasColumn = false
            if case .name(let name) = column { hasColumn = names.contains(Array(name.utf8)) }
            if let best, (best.hasColumn ? 1 : 0, best.fields) >= (hasColumn ? 1 : 0, names.count) { continue }
            best = (separator, hasColumn, names.count)
        }
        return best?.separator ?? candidates[0]
    }

    /// The fields of the first row that isn't empty, as this separator cuts it; nil where that is no row.
    private static func firstRow(_ input: InputWindow, _ separator: UInt8) throws -> [[UInt8]]? {
        var scanner = CSVScanner(separator: separator, wanted: nil)
        guard case .row(let extent) = try scanner.scan(input) else { return nil }
        return Array(scanner.fields.prefix(extent.fieldCount))
    }
}
