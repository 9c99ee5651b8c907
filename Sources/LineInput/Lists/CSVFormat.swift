internal import PipelineCore

/// One user ID in each row of a CSV file.
struct CSVFormat: RecordFormat {
    let column: CSVColumn
    let hasHeader: Bool
    /// The file's name, for messages about the header.
    let file: String
    private(set) var line: UInt64 = 0
    /// Nil: it is found by looking at the first row.
    private let separator: UInt8?
    private var scanner: CSVScanner

    init(column: CSVColumn, hasHeader: Bool, separator: UInt8?, file: String) {
        self.column = column
        self.hasHeader = hasHeader
        self.file = file
        self.separator = separator
        scanner = CSVScanner(separator: separator ?? UInt8(ascii: ","), wanted: nil)
    }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        try input.skipByteOrderMark()
        let named = try SeparatorLine.consume(input)
        if named != nil { line += 1 }
        if separator == nil {
            while case .blank(let length) = try scanner.scan(input) { consume(input, length, lines: 1) }
            let found = try named ?? CSVSeparator.find(in: input, column: hasHeader ? column : nil)
            scanner = CSVScanner(separator: found, wanted: nil)
        }
        var index: Int?
        if case .number(let number) = column { index = number - 1 }
        if hasHeader, let header = try readHeader(input) {
            index = try CSVHeader(file: file, names: header, separator: scanner.separator).index(of: column)
        }
        scanner.wanted = index ?? 0
        guard position.offset > 0 else { return }
        // Without a header it is the first row that says how many fields a row has.
        while scanner.width == nil {
            let row = try scan(input)
            if case .end = row { break }
            _ = try record(input, row)
        }
        if !input.isAt(position.offset) { try input.skip(toEndOfRecord: position.offset) }
        line = position.line
    }

    /// The first row that isn't empty; nil where there is none.
    private mutating func readHeader(_ input: InputWindow) throws -> [[UInt8]]? {
        while true {
            switch try scanner.scan(input) {
            case .end:
                return nil
            case .blank(let length):
                consume(input, length, lines: 1)
            case .row(let extent):
                let names = Array(scanner.fields.prefix(scanner.found))
                scanner.width = extent.fieldCount
                consume(input, extent.length, lines: extent.lines)
                return names
            case .unterminatedQuote, .tooLong:
                throw InputDamage(
                    message: "has a header that doesn't end: a quote isn't closed, or the row is longer than 1 MiB",
                    hint: "Correct the header, or set 'header: false' and give the column's number.")
            }
        }
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        while true {
            let row = try scan(input)
            if case .end = row { return nil }
            if let record = try record(input, row) { return record }
        }
    }

    private mutating func scan(_ input: InputWindow) throws -> CSVScanner.Row {
        do { return try scanner.scan(input) } catch let field as CSVScanner.FieldTooLong {
            throw InputDamage(
                message:
                    "has a quoted field of more than 16 MiB: the quote that opens on line \(Int(line) + 1 + field.lines) "
                    + "is probably never closed",
                hint: "Correct the quotes there and run again: the run resumes where it stopped.")
        }
    }

    /// Consumes what was scanned; nil where that is no record.
    private mutating func record(_ input: InputWindow, _ row: CSVScanner.Row) throws -> InputRecord? {
        let number = Int(line) + 1
        switch row {
        case .end:
            return nil
        case .blank(let length):
            consume(input, length, lines: 1)
            return nil
        case .row(let extent):
            let content = scanner.withRaw(input, extent.text) { judge(extent, number, $0) }
            if scanner.width == nil { scanner.width = extent.fieldCount }
            consume(input, extent.length, lines: extent.lines)
            return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
        case .unterminatedQuote(_, let lines):
            // All that follows is in the quotes, and nobody knows which of it is meant to be.
            let content = scanner.withRaw(input, input.count) { raw in
                inputFault(
                    .unterminatedQuote, line: number,
                    "the quote that opens on line \(number + lines) isn't closed before the end of the file, so all rows "
                        + "that follow are in it", raw: raw)
            }
            consume(input, input.count, lines: scanner.lines)
            return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
        case .tooLong:
            throw PipelineError(.software, "a row of a list was held in memory as a whole")
        }
    }

    private func judge(
        _ extent: CSVScanner.Extent, _ number: Int, _ raw: UnsafeRawBufferPointer
    ) -> InputRecord.Content {
        func fault(_ code: InputFault.Code, _ problem: String) -> InputRecord.Content {
            inputFault(code, line: number, problem, raw: raw)
        }
        if extent.isDoubtful {
            return fault(
                .unterminatedQuote,
                "text stands behind the quote that closes a field of several lines, so a quote is missing before it, and "
                    + "rows may be lost in that field")
        }
        if extent.plainBytes > CSVScanner.longestRow {
            return fault(.invalidUserID, "the row is longer than \(CSVScanner.longestRow) bytes")
        }
        if extent.hasSurplus, let width = scanner.width {
            return fault(
                .surplusFields,
                "the row has \(extent.fieldCount) fields, the first row \(width): a separator in a field stands outside "
                    + "of quotes, and nobody knows which field is the ID")
        }
        guard scanner.found > 0 else {
            let count = extent.fieldCount
            return fault(
                .missingField, "the row has \(count) field\(count == 1 ? "" : "s"), none for \(subject)")
        }
        if extent.hasTail { return fault(.invalidUserID, "\(subject) has text behind its closing quote") }
        return scanner.fields[0].withUnsafeBytes { bytes in
            extent.isQuoted
                ? userID(bytes, subject: subject, line: number, raw: raw)
                : joinedUserID(bytes, subject: subject, line: number, raw: raw)
        }
    }

    private mutating func consume(_ input: InputWindow, _ length: Int, lines: Int) {
        input.consume(length)
        line += UInt64(lines)
    }

    private var subject: String {
        switch column {
        case .number(let number): "column \(number)"
        case .name(let name): "column '\(name)'"
        }
    }
}
