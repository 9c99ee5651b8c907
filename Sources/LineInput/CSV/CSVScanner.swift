internal import Glibc
internal import PipelineCore

/// Cuts CSV into rows (RFC 4180), and follows Python's `csv` module where files stray from it.
///
/// - A row ends with LF, CR LF or CR. Marks that stand at its ends because files were joined don't belong to it.
/// - A field that begins with a quote goes to the closing quote; `""` in it is one quote, and separators and line breaks
///   belong to it. Text behind the closing quote is appended, up to the separator: `"a"b` is `ab`.
/// - A quote elsewhere is an ordinary character. Spaces are never dropped.
///
/// Where one field is wanted, a row is consumed while it is scanned, so that it may be longer than what is held in memory.
struct CSVScanner {
    let separator: UInt8
    /// The field that is wanted, from 0; nil for all of them.
    var wanted: Int?
    /// As many fields as a row may have; nil where that isn't known.
    var width: Int?
    /// The values found of the row at hand, and storage for rows to come.
    private var storage: [[UInt8]] = []
    /// How many of them belong to the row at hand.
    private var found = 0
    /// The beginning of the row at hand, as far as it was consumed while it was scanned.
    private var consumed: [UInt8] = []
    /// Those in the quoted fields of the row at hand.
    private var lineCounter = LineCounter()
    /// The quoted field at hand is longer than its bound.
    private var isQuoteTooLong = false

    /// A quoted field's bound.
    static let longestQuotedField = 16 << 20
    /// A row's bound, quoted fields and its line break aside.
    static let longestRow = 1 << 20
    /// A row that is being consumed is held up to here.
    private static let heldAtOnce = 128 * 1024

    private static let quote = UInt8(ascii: "\"")

    init(separator: UInt8, wanted: Int?) {
        self.separator = separator
        self.wanted = wanted
    }

    /// What was found of the row at hand: the wanted field's value, none where the row has no such field, or each field's.
    var fields: ArraySlice<[UInt8]> { storage.prefix(found) }
    /// Line breaks in the quoted fields of the row at hand.
    var lines: Int { Int(lineCounter.lines) }

    /// Lets somebody look at the first bytes of the row at hand, at least as many as a fault keeps.
    ///
    /// - Parameter count: How far the row goes in the window.
    func withRaw<Result>(
        _ input: InputWindow, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let held = UnsafeRawBufferPointer(rebasing: input.bytes[..<count])
        if consumed.isEmpty { return body(held) }
        return (consumed + held.prefix(InputFault.rawLimit - consumed.count)).withUnsafeBytes(body)
    }

    /// Scans one row, extending the window as needed.
    ///
    /// - Throws: `InputDamage`; `FieldTooLong` where one field is wanted.
    mutating func scan(_ input: InputWindow) throws -> Scan {
        found = 0
        consumed.removeAll(keepingCapacity: true)
        lineCounter = LineCounter()
        try input.skipJoints()
        if input.count == 0 { return .end }
        if let breakLength = try lineBreak(input, at: 0) { return .blank(length: breakLength) }
        var extent = Extent()
        var index = 0
        while true {
            let isWanted = wanted == nil || wanted == extent.fieldCount
            let isSurplus = width.map { extent.fieldCount >= $0 } ?? false
            if isWanted { startField() }
            var isQuoted = false
            var linesInside = 0
            if try byte(input, at: index) == Self.quote {
                isQuoted = true
                let linesBefore = lines
                let start = offset(input, index)
                guard let behind = try quotedField(input, opening: index, isWanted: isWanted) else {
                    if isQuoteTooLong, wanted != nil { throw FieldTooLong(lines: linesBefore) }
                    return .row(.unterminatedQuote(lines: linesBefore))
                }
                linesInside = lines - linesBefore
                index = behind
                if isSurplus, offset(input, index) - start > 2 { extent.hasSurplus = true }
            }
            guard let rest = try plainText(input, from: &index, isWanted: isWanted, &extent) else {
                return .row(.tooLong)
            }
            if isSurplus, rest.count > 0 { extent.hasSurplus = true }
            if isQuoted, linesInside > 0, !rest.isBlank { extent.isDoubtful = true }
            if isWanted, wanted != nil {
                extent.isQuoted = isQuoted
                extent.hasTail = isQuoted && rest.count > 0
            }
            extent.fieldCount += 1
            let next = try byte(input, at: index)
            if next == separator {
                index += 1
                extent.plainBytes += 1
                // Several quoted fields together are bounded where they are held in memory.
                if wanted == nil, index > Self.longestQuotedField + Self.longestRow { return .row(.tooLong) }
                continue
            }
            if wanted == nil, extent.plainBytes > Self.longestRow { return .row(.tooLong) }
            extent.text = index
            extent.length = index
            extent.lines = lines
            if next != nil {
                extent.length += try lineBreak(input, at: index) ?? 0
                extent.lines += 1
            }
            return .row(.complete(extent))
        }
    }

    /// The byte at an index; nil at the end of input.
    private func byte(_ input: InputWindow, at index: Int) throws -> UInt8? {
        while index >= input.count {
            if try !input.extend() { return nil }
        }
        return input.bytes[index]
    }

    private func offset(_ input: InputWindow, _ index: Int) -> UInt64 { input.offset + UInt64(index) }

    /// The length of the line break at an index; nil where there is none.
    private func lineBreak(_ input: InputWindow, at index: Int) throws -> Int? {
        guard let byte = try byte(input, at: index), byte == InputWindow.lineFeed || byte == InputWindow.carriageReturn
        else {
            return nil
        }
        return try input.lineBreakLength(at: index)
    }

    // MARK: Fields

    /// Reads from an opening quote to behind its closing one, whose index it gives; nil where that is missing, or too far
    /// away for a row that is held in memory.
    private mutating func quotedField(_ input: InputWindow, opening: Int, isWanted: Bool) throws -> Int? {
        let bound = offset(input, opening) + 1 + UInt64(Self.longestQuotedField)
        lineCounter.interrupt()
        isQuoteTooLong = false
        // A second quote belongs to the value, so a piece may begin with one.
        var piece = opening + 1
        var counted = piece
        var index = piece
        while true {
            let bytes = input.bytes
            if index < bytes.count, let base = bytes.baseAddress,
                let match = memchr(base + index, Int32(Self.quote), bytes.count - index)
            {
                let closing = UnsafeRawPointer(match) - base
                isQuoteTooLong = offset(input, closing) > bound
                if isQuoteTooLong { return nil }
                if isWanted { append(bytes[piece..<closing]) }
                lineCounter.pass(bytes[counted..<closing])
                counted = closing
                guard try byte(input, at: closing + 1) == Self.quote else { return closing + 1 }
                piece = closing + 1
                index = closing + 2
            } else {
                index = max(index, bytes.count)
                lineCounter.pass(bytes[counted..<index])
                counted = index
                isQuoteTooLong = offset(input, index) > bound
                if isQuoteTooLong { return nil }
                if wanted != nil, index >= Self.heldAtOnce {
                    if isWanted { append(bytes[piece..<index]) }
                    release(input, index)
                    (piece, counted, index) = (0, 0, 0)
                }
                if try !input.extend() { return nil }
            }
        }
    }

    /// Reads the unquoted text at an index, up to a separator, a line break or the end of input; nil where it makes a row
    /// that is held in memory too long.
    private mutating func plainText(
        _ input: InputWindow, from start: inout Int, isWanted: Bool, _ extent: inout Extent
    ) throws -> PlainText? {
        var text = PlainText()
        var index = start
        var piece = start
        while true {
            let bytes = input.bytes
            let end = bytes[index...].firstIndex {
                $0 == separator || $0 == InputWindow.lineFeed || $0 == InputWindow.carriageReturn
            }
            index = end ?? bytes.count
            if end == nil {
                if wanted == nil, extent.plainBytes + index - piece > Self.longestRow { return nil }
                if wanted != nil, index >= Self.heldAtOnce {
                    take(bytes[piece..<index], isWanted, &text, &extent)
                    release(input, index)
                    (piece, index) = (0, 0)
                }
                if try input.extend() { continue }
            }
            var last = UnsafeRawBufferPointer(rebasing: input.bytes[piece..<index])
            // A row's last field: what was joined behind it isn't its text.
            if end.map({ input.bytes[$0] != separator }) ?? true { last = InputWindow.withoutJoints(last) }
            take(last[...], isWanted, &text, &extent)
            start = index
            return text
        }
    }

    private mutating func take(
        _ bytes: Slice<UnsafeRawBufferPointer>, _ isWanted: Bool, _ text: inout PlainText, _ extent: inout Extent
    ) {
        text.count += bytes.count
        if text.isBlank { text.isBlank = bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
        extent.plainBytes += bytes.count
        if isWanted { append(bytes) }
    }

    /// Consumes what was scanned of a row, and keeps as much of it as a fault does.
    private mutating func release(_ input: InputWindow, _ count: Int) {
        consumed.append(contentsOf: input.bytes.prefix(min(count, InputFault.rawLimit - consumed.count)))
        input.consume(count)
    }

    private mutating func startField() {
        if found == storage.count { storage.append([]) } else { storage[found].removeAll(keepingCapacity: true) }
        found += 1
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        // Of a single field no more is kept than tells that it is too long for an ID.
        let room = wanted == nil ? bytes.count : max(0, longestUserID + 1 - storage[found - 1].count)
        storage[found - 1].append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
    }
}
