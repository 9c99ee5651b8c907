internal import PipelineCore

/// The names of a CSV file's columns.
struct CSVHeader {
    let file: String
    let names: [[UInt8]]
    let separator: UInt8

    /// Where a column stands, from 0.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where there is no such column, or more than one.
    func index(of column: CSVColumn) throws -> Int {
        switch column {
        case .number(let number):
            return try index(ofNumber: number)
        case .name(let name):
            let matches = names.indices.filter { names[$0] == Array(name.utf8) }
            if matches.count > 1 {
                let numbers = matches.map { String($0 + 1) }.joined(separator: ", ")
                throw PipelineError(
                    .configuration, "\(file): \(matches.count) columns have the name '\(name)': \(numbers)",
                    hint: "Set 'column' to the number of the right one.")
            }
            if let match = matches.first { return match }
            if let number = Int(name), number > 0 { return try index(ofNumber: number) }
            throw PipelineError(
                .configuration, "\(file): no column has the name '\(name)'; the header has \(listed)", hint: hint)
        }
    }

    private func index(ofNumber number: Int) throws -> Int {
        guard number <= names.count else {
            throw PipelineError(
                .configuration, "\(file): there is no column \(number); the header has \(listed)", hint: hint)
        }
        return number - 1
    }

    /// The names, as many as a person reads. A file without a header has somebody's data there: that isn't shown.
    private var listed: String {
        let shown = names.prefix(20).enumerated().map { index, name in
            UserIDForm.looksLikeData(name)
                ? "column \(index + 1)" : "'\(String(decoding: name.prefix(64), as: UTF8.self))'"
        }
        let rest = names.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private var hint: String {
        if let only = names.first, names.count == 1,
            let other = ";,\t|".utf8.first(where: { $0 != separator && only.contains($0) })
        {
            let name = other == UInt8(ascii: "\t") ? "tab" : String(UnicodeScalar(other))
            return "The header looks as if it were separated by '\(name)': set 'separator'."
        }
        return "Set 'column' to one of these names or to a number from 1 to \(names.count), "
            + "or 'header: false' if the first row holds data."
    }
}
