internal import PipelineCore

/// The rows of a list with all of their fields, as the readers cut them: for a look at a list whose layout nobody has said.
package struct ListRows {
    private enum Cutter {
        case lines(LineCutter)
        case words(WhitespaceFormat)
        case rows(CSVRows)
    }

    private let input: InputWindow
    private var cutter: Cutter

    /// Longer lines hold no ID.
    private static let longestLine = NDJSONFormat.longestLine

    /// - Throws: `InputDamage`.
    package init(_ path: String, _ form: ListForm) throws {
        input = try InputWindow(path: path)
        switch form {
        case .lines, .ndjson:
            var lines = LineCutter(longest: Self.longestLine)
            try lines.begin(input, at: .start)
            cutter = .lines(lines)
        case .whitespace:
            var words = WhitespaceFormat(hasHeader: false)
            try words.begin(input, at: .start)
            cutter = .words(words)
        case .csv(let separator):
            try input.skipByteOrderMark()
            var rows = CSVRows(separator: separator)
            _ = try rows.readSeparatorLine(input)
            cutter = .rows(rows)
        }
    }

    package func close() { input.close() }

    /// Uncompressed bytes of the rows so far.
    package var bytesRead: UInt64 { input.offset }
    /// Uncompressed bytes in all, an estimate where the file is compressed; nil where that isn't known.
    package var size: UInt64? { get throws { try input.size() } }

    /// The next row that isn't empty: a line, a word, or a row's fields. Nil at the end, and where what follows can't be told
    /// apart: a quote that isn't closed, a row that is too long.
    ///
    /// - Throws: `InputDamage`.
    package mutating func next() throws -> [[UInt8]]? {
        switch cutter {
        case .lines(var lines):
            let line = try lines.next(input) { $0.text.isEmpty ? nil : [Array($0.text)] }
            cutter = .lines(lines)
            return line?.content
        case .words(var words):
            let record = try words.next(input)
            cutter = .words(words)
            switch record?.content {
            case .userID(let id): return [Array(id.utf8)]
            case .fault(let fault): return [fault.raw]
            case nil: return nil
            }
        case .rows(var rows):
            guard case .complete(let extent)? = try rows.next(input) else { return nil }
            let fields = Array(rows.scanner.fields)
            rows.consume(input, extent)
            cutter = .rows(rows)
            return fields
        }
    }
}
