internal import Glibc
internal import PipelineCore

/// Cuts CSV into rows (RFC 4180), and follows Python's `csv` module where files stray from it.
///
/// - A row ends with LF, CR LF or CR.
/// - A field that begins with a quote goes to the closing quote; `""` in it is one quote, and separators and line breaks
///   belong to it. Text behind the closing quote is appended, up to the separator: `"a"b` is `ab`.
/// - A quote elsewhere is an ordinary character. Spaces are never dropped.
struct CSVScanner {
    let separator: UInt8
    /// The field that is wanted, from 0; nil for all of them.
    var wanted: Int?
    /// What was found of it: the field's value, or each field's.
    private(set) var fields: [[UInt8]] = []
    /// How many of `fields` belong to the row at hand; the rest is storage for rows to come.
    private(set) var found = 0

    /// A quoted field's bound, quotes aside.
    static let longestQuotedField = 65_536
    /// A row's bound, its line break aside: what is held in memory at once.
    static let longestRow = 1 << 20

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// What begins at the window's start. It isn't consumed.
    enum Row {
        case end
        /// An empty line, of which `length` bytes are to be consumed.
        case blank(length: Int)
        case row(Extent)
        /// A quoted field without an end, or too long a one. `opening` is the quote's index, `lines` counts the line
        /// breaks in front of it.
        case unterminatedQuote(opening: Int, lines: Int)
        case tooLong
    }

    /// How far a row goes.
    struct Extent {
        var fieldCount = 0
        /// Bytes without the line break that ends the row.
        var text = 0
        /// Bytes with it.
        var length = 0
        /// Line breaks, those in quoted fields and the one that ends the row.
        var lines = 0
    }

    init(separator: UInt8, wanted: Int?) {
        self.separator = separator
        self.wanted = wanted
    }

    /// Scans one row, extending the window until it holds it.
    mutating func scan(_ input: InputWindow) throws -> Row {
        found = 0
        var extent = Extent()
        if input.count == 0, try !input.extend() { return .end }
        if let breakLength = try lineBreak(input, at: 0) { return .blank(length: breakLength) }
        var index = 0
        while true {
            if index > Self.longestRow { return .tooLong }
            let isWanted = wanted == nil || wanted == extent.fieldCount
            if isWanted { startField() }
            if try byte(input, at: index) == Self.quote {
                guard let behind = try quotedField(input, opening: index, isWanted: isWanted) else {
                    return .unterminatedQuote(opening: index, lines: extent.lines)
                }
                extent.lines += Self.lineBreaks(input.bytes[index..<behind])
                index = behind
            }
            guard let fieldEnd = try plainText(input, from: index) else { return .tooLong }
            if isWanted { append(input.bytes[index..<fieldEnd]) }
            index = fieldEnd
            extent.fieldCount += 1
            let next = try byte(input, at: index)
            if next == separator {
                index += 1
                continue
            }
            if index > Self.longestRow { return .tooLong }
            extent.text = index
            extent.length = index
            if next != nil {
                extent.length += try lineBreak(input, at: index) ?? 0
                extent.lines += 1
            }
            return .row(extent)
        }
    }

    /// Consumes up to the end of the line that the byte at `index` stands on; false where the input ends first.
    ///
    /// Only what the window has to hold is held, so a line of any length passes.
    static func consumeLine(_ input: InputWindow, from index: Int) throws -> Bool {
        var index = index
        while true {
            let bytes = input.bytes
            while index < bytes.count {
                let byte = bytes[index]
                if byte == lineFeed || byte == carriageReturn {
                    input.consume(index)
                    if byte == carriageReturn {
                        while input.count < 2, try input.extend() {}
                        if input.count > 1, input.bytes[1] == lineFeed { input.consume(1) }
                    }
                    input.consume(1)
                    return true
                }
                index += 1
            }
            input.consume(index)
            index = 0
            if try !input.extend() { return false }
        }
    }

    /// The byte at an index; nil at the end of input.
    private func byte(_ input: InputWindow, at index: Int) throws -> UInt8? {
        while index >= input.count {
            if try !input.extend() { return nil }
        }
        return input.bytes[index]
    }

    /// The length of the line break at an index; nil where there is none.
    private func lineBreak(_ input: InputWindow, at index: Int) throws -> Int? {
        switch try byte(input, at: index) {
        case Self.lineFeed: 1
        case Self.carriageReturn: try byte(input, at: index + 1) == Self.lineFeed ? 2 : 1
        default: nil
        }
    }

    /// Reads from an opening quote to behind its closing one; nil where that is missing or too far away.
    private mutating func quotedField(_ input: InputWindow, opening: Int, isWanted: Bool) throws -> Int? {
        // A second quote belongs to the value, so a piece may begin with one.
        var piece = opening + 1
        var index = piece
        while true {
            let bytes = input.bytes
            if index < bytes.count, let base = bytes.baseAddress,
                let match = memchr(base + index, Int32(Self.quote), bytes.count - index)
            {
                let closing = UnsafeRawPointer(match) - base
                if closing - opening - 1 > Self.longestQuotedField { return nil }
                if isWanted { append(bytes[piece..<closing]) }
                guard try byte(input, at: closing + 1) == Self.quote else { return closing + 1 }
                piece = closing + 1
                index = closing + 2
            } else {
                index = max(index, bytes.count)
                if index - opening - 1 > Self.longestQuotedField { return nil }
                if try !input.extend() { return nil }
            }
        }
    }

    /// Where the unquoted text at an index ends: a separator, a line break or the end of input; nil where it makes the
    /// row too long.
    private func plainText(_ input: InputWindow, from start: Int) throws -> Int? {
        var index = start
        while true {
            let bytes = input.bytes
            while index < bytes.count {
                let byte = bytes[index]
                if byte == separator || byte == Self.lineFeed || byte == Self.carriageReturn { return index }
                index += 1
            }
            if index > Self.longestRow { return nil }
            if try !input.extend() { return index }
        }
    }

    private mutating func startField() {
        if found == fields.count { fields.append([]) } else { fields[found].removeAll(keepingCapacity: true) }
        found += 1
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        fields[found - 1].append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes))
    }

    private static func lineBreaks(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
        var count = 0
        var afterReturn = false
        for byte in bytes {
            if byte == carriageReturn || (byte == lineFeed && !afterReturn) { count += 1 }
            afterReturn = byte == carriageReturn
        }
        return count
    }
}
