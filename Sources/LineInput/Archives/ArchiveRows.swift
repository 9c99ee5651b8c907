internal import PipelineCore

/// The rows of an import file, a document each.
struct ArchiveRows {
    /// Lines completely before the next row.
    private(set) var line: UInt64
    private var scanner: CSVScanner
    private let columns: ImportColumns
    private let header: [[UInt8]]
    private let hasBlanks: Bool
    private var isOver = false

    /// Reads the header; white space and a line that names the separator may stand before it.
    init(_ input: InputWindow, separator: UInt8) throws {
        scanner = CSVScanner(separator: separator, wanted: nil)
        line = try ArchiveContent.skipBlanks(input).lines
        if try SeparatorLine.consume(input) != nil { line += try 1 + ArchiveContent.skipBlanks(input).lines }
        guard case .row(let extent) = try scanner.scan(input) else {
            throw InputDamage(message: "has lost its header since it was opened", hint: InputDamage.repair)
        }
        header = Array(scanner.fields.prefix(scanner.found))
        let names = ImportHeader(header)
        columns = ImportColumns(header: names.names)
        hasBlanks = names.hasBlanks
        input.consume(extent.length)
        line += UInt64(extent.lines)
    }

    /// The next row; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial row before it is still in the window.
    mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        while !isOver {
            switch try scanner.scan(input) {
            case .end:
                return nil
            case .blank(let length):
                input.consume(length)
                line += 1
            case .row(let extent):
                let number = Int(line) + 1
                let raw = UnsafeRawBufferPointer(rebasing: input.bytes[..<extent.text])
                let fields = scanner.fields.prefix(scanner.found)
                // Files that were joined: the header of the second one is no endpoint.
                let isRow = !isMark(raw) && !fields.elementsEqual(header)
                if isRow, ImportHeader.isHeader(fields) {
                    isOver = true
                    return .rest(
                        input, .malformedRecord, line: number,
                        "the header of another file stands here, with other columns; put that file beside this one, by itself"
                    )
                }
                if isRow, extent.isDoubtful {
                    isOver = true
                    return .rest(
                        input, .unterminatedQuote, line: number,
                        "text stands behind the quote that closes a field of several lines, so a quote is missing before it"
                    )
                }
                let content = isRow ? content(raw, number) : nil
                input.consume(extent.length)
                line += UInt64(extent.lines)
                if let content { return ArchivePiece(content: content, line: number) }
            case .unterminatedQuote(_, let lines):
                // Where the field ends isn't known, so nothing behind it may be taken for a row.
                isOver = true
                let opens = lines == 0 ? "" : "that opens on line \(Int(line) + 1 + lines) "
                return .rest(
                    input, .unterminatedQuote, line: Int(line) + 1,
                    "a quote \(opens)isn't closed within 16 MiB or before the end of the file")
            case .tooLong where scanner.lines > 0:
                // Its lines are partly inside a quoted field, and none of these may be taken for a row.
                isOver = true
                return .rest(
                    input, .malformedRecord, line: Int(line) + 1,
                    "the row, which goes on over several lines, is longer than any may be")
            case .tooLong:
                return try fault(
                    input, .malformedRecord,
                    "the row is longer than \(CSVScanner.longestRow) bytes; reading goes on with the next line",
                    index: 0, lines: 0)
            }
        }
        return nil
    }

    /// What old programs write at a file's end.
    private func isMark(_ raw: UnsafeRawBufferPointer) -> Bool { raw.allSatisfy { $0 == 0x1A } }

    private func content(_ raw: UnsafeRawBufferPointer, _ number: Int) -> ArchiveRecord.Content {
        let fields = scanner.fields.prefix(scanner.found)
        if fields.count != columns.count {
            return .fault(
                InputFault(
                    code: .malformedRecord,
                    message: "line \(number): the row has \(fields.count) field\(fields.count == 1 ? "" : "s"), "
                        + "the header \(columns.count)",
                    raw: Array(raw.prefix(InputFault.rawLimit))))
        }
        let isText =
            !raw.contains { $0 >= 0x80 }
            || String(validating: raw.bindMemory(to: UInt8.self), as: UTF8.self) != nil
        if !isText {
            return .fault(
                InputFault(
                    code: .invalidEncoding, message: "line \(number): the row is not valid UTF-8",
                    raw: Array(raw.prefix(InputFault.rawLimit))))
        }
        if !hasBlanks { return .document(columns.document(fields)) }
        return .document(columns.document(fields.prefix(1) + fields.dropFirst().map(ImportHeader.value)))
    }

    /// Yields a fault and consumes the rest of the line that `index` stands on, with `lines` line breaks before it.
    private mutating func fault(
        _ input: InputWindow, _ code: InputFault.Code, _ problem: String, index: Int, lines: Int
    ) throws -> ArchivePiece {
        let number = Int(line) + 1
        let start = input.offset
        var raw = Array(input.bytes.prefix(InputFault.rawLimit))
        let terminated = try CSVScanner.consumeLine(input, from: index)
        raw.removeLast(max(0, raw.count - Int(input.offset - start)))
        if terminated { while raw.last == 0x0A || raw.last == 0x0D { raw.removeLast() } }
        line += UInt64(lines + (terminated ? 1 : 0))
        return ArchivePiece(
            content: .fault(InputFault(code: code, message: "line \(number): \(problem)", raw: raw)), line: number)
    }
}
