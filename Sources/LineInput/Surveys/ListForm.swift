/// How a list of user IDs is cut into records, found out by looking at its beginning.
package enum ListForm: Sendable, Equatable {
    /// An ID on each line.
    case lines
    /// IDs with white space between them.
    case whitespace
    case csv(separator: UInt8)
    /// A JSON document on each line.
    case ndjson

    /// As many rows tell how they are cut.
    private static let rowsLookedAt = 50
    private static let window = 64 * 1024

    /// - Throws: `InputDamage` for what is no list, or one that the readers don't take.
    package static func find(_ path: String) throws -> ListForm {
        let input = try InputWindow(path: path, capacity: window)
        defer { input.close() }
        try input.skipByteOrderMark()
        while input.count < ForeignContent.headLength, try input.extend() {}
        if let inner = CompressedForm(input.bytes) {
            throw InputDamage(
                message: "is a \(inner) file inside another compressed file",
                hint: "Unpack it once, and name the result.")
        }
        switch ForeignContent.of(Array(input.bytes.prefix(ForeignContent.headLength))) {
        case .junk(let other), .unreadable(let other):
            throw InputDamage(
                message: "is \(other)", hint: "Name a list of user IDs: lines, CSV or NDJSON, plain, gzip or zstd.")
        default: break
        }
        if let separator = try SeparatorLine.consume(input) { return .csv(separator: separator) }
        switch try firstByte(input) {
        case nil: throw InputDamage(message: "is empty", hint: "Name a list that holds some user IDs already.")
        case UInt8(ascii: "{"): return try formOfDocument(input)
        case UInt8(ascii: "["):
            throw InputDamage(
                message: "looks like one JSON list, and lists of users are read line by line",
                hint: "Write an ID on each line, 'jq -r .[] FILE', or a document on each, 'jq -c .[] FILE'.")
        case let first?:
            if let separator = try separator(path) { return .csv(separator: separator) }
            if first == UInt8(ascii: "\"") || isCSV(path) { return .csv(separator: CSVSeparator.candidates[0]) }
            return try hasSeveralOnALine(input) ? .whitespace : .lines
        }
    }

    private static func firstByte(_ input: InputWindow) throws -> UInt8? {
        var counter = LineCounter()
        return try input.skipBlanks(&counter).next
    }

    private static func formOfDocument(_ input: InputWindow) throws -> ListForm {
        if case .value = try JSONCutter(stopsAtLineBreak: true).end(input) { return .ndjson }
        throw InputDamage(
            message: "begins like JSON, but its first line is no whole document",
            hint: "A list of JSON has a document on each line: 'jq -c . FILE' makes that.")
    }

    private static func isCSV(_ path: String) -> Bool {
        let name = CompressedForm.nameUnpacked(path).lowercased()
        return [".csv", ".tsv"].contains { name.hasSuffix($0) }
    }

    /// The separator under which rows have several fields, and nearly all of them as many as the first one.
    private static func separator(_ path: String) throws -> UInt8? {
        var best: (separator: UInt8, width: Int)?
        for separator in CSVSeparator.candidates {
            let widths = try widths(path, separator)
            guard let width = widths.first, width > 1, width > best?.width ?? 1,
                widths.count(where: { $0 == width }) * 10 >= widths.count * 8
            else { continue }
            best = (separator, width)
        }
        return best?.separator
    }

    private static func widths(_ path: String, _ separator: UInt8) throws -> [Int] {
        let input = try InputWindow(path: path, capacity: window)
        defer { input.close() }
        try input.skipByteOrderMark()
        var rows = CSVRows(separator: separator)
        var widths: [Int] = []
        while widths.count < rowsLookedAt, case .complete(let extent)? = try rows.next(input) {
            widths.append(extent.fieldCount)
            rows.consume(input, extent)
        }
        return widths
    }

    /// Whether most lines hold several words.
    private static func hasSeveralOnALine(_ input: InputWindow) throws -> Bool {
        var cutter = LineCutter(longest: longestUserID)
        var lines = 0
        var several = 0
        while lines < rowsLookedAt {
            let words = try cutter.next(input) { line in
                line.text.isEmpty ? nil : line.text.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).count
            }
            guard let words else { break }
            lines += 1
            if words.content > 1 { several += 1 }
        }
        return several * 2 > lines
    }
}
