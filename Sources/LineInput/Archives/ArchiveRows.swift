internal import PipelineCore

/// The rows of an import file, a document each.
struct ArchiveRows {
    private var rows: CSVRows
    private let columns: ImportColumns
    private let header: [[UInt8]]
    private let hasBlanks: Bool
    private var isOver = false
    /// Lines completely before the next row.
    var line: UInt64 { rows.line }

    /// Reads the header; white space and a line that names the separator may stand before it.
    init(_ input: InputWindow, separator: UInt8) throws {
        func blankLines() throws -> UInt64 {
            var counter = LineCounter()
            _ = try input.skipBlanks(&counter)
            return counter.lines
        }
        rows = CSVRows(separator: separator)
        rows.line += try blankLines()
        if try rows.readSeparatorLine(input) != nil { rows.line += try blankLines() }
        guard case .complete(let extent)? = try rows.next(input) else {
            throw InputDamage(message: "has lost its header since it was opened", hint: InputDamage.repair)
        }
        header = rows.consumeHeader(input, extent)
        let names = ImportHeader(header)
        columns = ImportColumns(header: names.names)
        hasBlanks = names.hasBlanks
    }

    /// The next row; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial row before it is still in the window.
    mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        while !isOver, let row = try rows.next(input) {
            let number = rows.number
            switch row {
            case .complete(let extent):
                let raw = UnsafeRawBufferPointer(rebasing: input.bytes[..<extent.text])
                // Files that were joined: the header of the second one is no endpoint.
                let isRow = !isMark(raw) && !rows.scanner.fields.elementsEqual(header)
                if isRow, ImportHeader.isHeader(rows.scanner.fields) {
                    return end(
                        input, .malformedRecord,
                        "the header of another file stands here, with other columns; put that file beside this one, by itself"
                    )
                }
                if isRow, extent.isDoubtful { return end(input, .unterminatedQuote, CSVScanner.Extent.doubt) }
                let content = isRow ? content(extent, raw, number) : nil
                rows.consume(input, extent)
                if let content { return ArchivePiece(content: content, line: number) }
            case .unterminatedQuote(let lines):
                // Where the field ends isn't known, so nothing behind it may be taken for a row.
                let opens = lines == 0 ? "" : "that opens on line \(number + lines) "
                return end(
                    input, .unterminatedQuote,
                    "a quote \(opens)isn't closed within 16 MiB or before the end of the file")
            case .tooLong where rows.scanner.lines > 0:
                // Its lines are partly inside a quoted field, and none of these may be taken for a row.
                return end(
                    input, .malformedRecord, "the row, which goes on over several lines, is longer than any may be")
            case .tooLong:
                let fault = InputFault(
                    .malformedRecord, line: number,
                    "the row is longer than \(CSVScanner.longestRow) bytes; reading goes on with the next line",
                    raw: input.bytes)
                try rows.consumeLine(input)
                return ArchivePiece(content: .fault(fault), line: number)
            }
        }
        return nil
    }

    private mutating func end(_ input: InputWindow, _ code: InputFault.Code, _ problem: String) -> ArchivePiece {
        isOver = true
        return .rest(input, code, line: rows.number, problem)
    }

    /// What old programs write at a file's end.
    private func isMark(_ raw: UnsafeRawBufferPointer) -> Bool { raw.allSatisfy { $0 == InputWindow.substitute } }

    private func content(
        _ row: CSVScanner.Extent, _ raw: UnsafeRawBufferPointer, _ number: Int
    ) -> ArchiveRecord.Content {
        func fault(_ code: InputFault.Code, _ problem: String) -> ArchiveRecord.Content {
            .fault(InputFault(code, line: number, problem, raw: raw))
        }
        if row.fieldCount != columns.count {
            return fault(.malformedRecord, "\(row.size), the header \(columns.count)")
        }
        let isText =
            !raw.contains { $0 >= 0x80 }
            || String(validating: raw.bindMemory(to: UInt8.self), as: UTF8.self) != nil
        if !isText { return fault(.invalidEncoding, "the row is not valid UTF-8") }
        let fields = rows.scanner.fields
        if !hasBlanks { return .document(columns.document(fields)) }
        return .document(columns.document(fields.prefix(1) + fields.dropFirst().map(ImportHeader.value)))
    }
}
