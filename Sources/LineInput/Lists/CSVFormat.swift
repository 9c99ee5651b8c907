internal import PipelineCore

/// One user ID in each row of a CSV file.
struct CSVFormat: RecordFormat {
    let column: CSVColumn
    let hasHeader: Bool
    /// The file's name, for messages about the header.
    let file: String
    /// Nil: it is found by looking at the first row.
    private let separator: UInt8?
    private var rows: CSVRows
    var line: UInt64 { rows.line }

    init(column: CSVColumn, hasHeader: Bool, separator: UInt8?, file: String) {
        self.column = column
        self.hasHeader = hasHeader
        self.file = file
        self.separator = separator
        rows = CSVRows(separator: separator ?? CSVSeparator.candidates[0])
    }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        try input.skipByteOrderMark()
        let named = try rows.readSeparatorLine(input)
        if separator == nil {
            // What is found is scanned again, with the separator that is found in it.
            _ = try rows.next(input)
            let found = try named ?? CSVSeparator.find(in: input, column: hasHeader ? column : nil)
            rows.scanner = CSVScanner(separator: found, wanted: nil)
        }
        var index: Int?
        if case .number(let number) = column { index = number - 1 }
        if hasHeader, let header = try readHeader(input) {
            index = try CSVHeader(file: file, names: header, separator: rows.scanner.separator).index(of: column)
        }
        rows.scanner.wanted = index ?? 0
        guard position.offset > 0 else { return }
        // Without a header it is the first row that says how many fields a row has.
        while rows.scanner.width == nil, try next(input) != nil {}
        if !input.isAt(position.offset) { try input.skip(toEndOfRecord: position.offset) }
        rows.line = position.line
    }

    /// The first row that isn't empty; nil where there is none.
    private mutating func readHeader(_ input: InputWindow) throws -> [[UInt8]]? {
        guard let row = try rows.next(input) else { return nil }
        guard case .complete(let extent) = row else {
            throw InputDamage(
                message: "has a header that doesn't end: a quote isn't closed, or the row is longer than 1 MiB",
                hint: "Correct the header, or set 'header: false' and give the column's number.")
        }
        return rows.consumeHeader(input, extent)
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        guard let row = try row(input) else { return nil }
        let number = rows.number
        let content: InputRecord.Content
        switch row {
        case .complete(let extent):
            content = rows.scanner.withRaw(input, extent.text) { judge(extent, number, $0) }
            if rows.scanner.width == nil { rows.scanner.width = extent.fieldCount }
            rows.consume(input, extent)
        case .unterminatedQuote(let lines):
            // All that follows is in the quotes, and nobody knows which of it is meant to be.
            content = rows.scanner.withRaw(input, input.count) { raw in
                .fault(
                    InputFault(
                        .unterminatedQuote, line: number,
                        "the quote that opens on line \(number + lines) isn't closed before the end of the file, so all "
                            + "rows that follow are in it", raw: raw))
            }
            rows.consume(input, input.count, lines: rows.scanner.lines)
        case .tooLong:
            throw PipelineError(.software, "a row of a list was held in memory as a whole")
        }
        return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
    }

    private mutating func row(_ input: InputWindow) throws -> CSVScanner.Row? {
        do { return try rows.next(input) } catch let field as CSVScanner.FieldTooLong {
            throw InputDamage(
                message:
                    "has a quoted field of more than 16 MiB: the quote that opens on line \(rows.number + field.lines) "
                    + "is probably never closed",
                hint: "Correct the quotes there and run again: the run resumes where it stopped.")
        }
    }

    private func judge(
        _ extent: CSVScanner.Extent, _ number: Int, _ raw: UnsafeRawBufferPointer
    ) -> InputRecord.Content {
        func fault(_ code: InputFault.Code, _ problem: String) -> InputRecord.Content {
            .fault(InputFault(code, line: number, problem, raw: raw))
        }
        if extent.isDoubtful {
            return fault(
                .unterminatedQuote, "\(CSVScanner.Extent.doubt), and rows may be lost in that field")
        }
        if extent.plainBytes > CSVScanner.longestRow {
            return fault(.invalidUserID, "the row is longer than \(CSVScanner.longestRow) bytes")
        }
        if extent.hasSurplus, let width = rows.scanner.width {
            return fault(
                .surplusFields,
                "\(extent.size), the first row \(width): a separator in a field stands outside "
                    + "of quotes, and nobody knows which field is the ID")
        }
        guard let field = rows.scanner.fields.first else {
            return fault(.missingField, "\(extent.size), none for \(subject)")
        }
        if extent.hasTail { return fault(.invalidUserID, "\(subject) has text behind its closing quote") }
        return field.withUnsafeBytes { bytes in
            extent.isQuoted
                ? userID(bytes, subject: subject, line: number, raw: raw)
                : joinedUserID(bytes, subject: subject, line: number, raw: raw)
        }
    }

    private var subject: String {
        switch column {
        case .number(let number): "column \(number)"
        case .name(let name): "column '\(name)'"
        }
    }
}
