internal import PipelineCore

/// One user ID in each row of a CSV file.
struct CSVFormat: RecordFormat {
    /// Which column holds the IDs.
    enum Column: Sendable, Equatable {
        /// From 1.
        case number(Int)
        /// A name in the header; where no column has it and it is a number, it counts as one.
        case name(String)
    }

    let column: Column
    let hasHeader: Bool
    /// The file's name, for messages about the header.
    let file: String
    private(set) var line: UInt64 = 0
    /// Nil: it is found by looking at the first row.
    private let separator: UInt8?
    private var scanner: CSVScanner

    init(column: Column, hasHeader: Bool, separator: UInt8?, file: String) {
        self.column = column
        self.hasHeader = hasHeader
        self.file = file
        self.separator = separator
        scanner = CSVScanner(separator: separator ?? UInt8(ascii: ","), wanted: nil)
    }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        try input.skipByteOrderMark()
        let named = try skipSeparatorLine(input)
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
        try input.skip(to: position.offset)
        line = position.line
    }

    /// Consumes the line with which some spreadsheets begin, `sep=;`, and gives the separator that it names.
    private mutating func skipSeparatorLine(_ input: InputWindow) throws -> UInt8? {
        while input.count < 7, try input.extend() {}
        let bytes = input.bytes
        guard bytes.count >= 5, bytes.prefix(4).elementsEqual("sep=".utf8) else { return nil }
        let lineBreak: Int
        switch (bytes.dropFirst(5).first, bytes.dropFirst(6).first) {
        case (0x0D, 0x0A): lineBreak = 2
        case (0x0A, _), (0x0D, _): lineBreak = 1
        case (nil, _): lineBreak = 0
        default: return nil
        }
        let named = bytes[4]
        consume(input, 5 + lineBreak, lines: lineBreak == 0 ? 0 : 1)
        return named
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
            switch try scanner.scan(input) {
            case .end: return nil
            case .blank(let length): consume(input, length, lines: 1)
            case .row(let extent): return row(input, extent)
            case .unterminatedQuote(let opening, let lines):
                let where_ = lines == 0 ? "" : " on line \(Int(line) + 1 + lines)"
                return try fault(
                    input, .unterminatedQuote,
                    "a quote that opens\(where_) isn't closed within \(CSVScanner.longestQuotedField) bytes "
                        + "or before the end of the file; reading goes on with the next line",
                    index: opening, lines: lines)
            case .tooLong:
                return try fault(
                    input, .invalidUserID,
                    "the row is longer than \(CSVScanner.longestRow) bytes; reading goes on with the next line",
                    index: 0, lines: 0)
            }
        }
    }

    private mutating func row(_ input: InputWindow, _ extent: CSVScanner.Extent) -> InputRecord {
        let number = Int(line) + 1
        let raw = UnsafeRawBufferPointer(rebasing: input.bytes[..<extent.text])
        let content: InputRecord.Content
        if scanner.found > 0 {
            content = scanner.fields[0].withUnsafeBytes { userID($0, subject: subject, line: number, raw: raw) }
        } else {
            let count = extent.fieldCount
            content = inputFault(
                .missingField, line: number,
                "the row has \(count) field\(count == 1 ? "" : "s"), none for \(subject)", raw: raw)
        }
        consume(input, extent.length, lines: extent.lines)
        return InputRecord(content: content, next: Position(offset: input.offset, line: line), line: number)
    }

    /// Yields a fault and consumes the rest of the line that `index` stands on, with `lines` line breaks in front of it.
    private mutating func fault(
        _ input: InputWindow, _ code: InputFault.Code, _ problem: String, index: Int, lines: Int
    ) throws -> InputRecord {
        let number = Int(line) + 1
        let start = input.offset
        var raw = Array(input.bytes.prefix(InputFault.rawLimit))
        let terminated = try CSVScanner.consumeLine(input, from: index)
        raw.removeLast(max(0, raw.count - Int(input.offset - start)))
        if terminated { while raw.last == 0x0A || raw.last == 0x0D { raw.removeLast() } }
        line += UInt64(lines + (terminated ? 1 : 0))
        return InputRecord(
            content: .fault(InputFault(code: code, message: "line \(number): \(problem)", raw: raw)),
            next: Position(offset: input.offset, line: line), line: number)
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
