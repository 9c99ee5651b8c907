internal import Glibc
internal import PipelineCore

/// Cuts a file into lines, a document each. What they hold is looked at elsewhere, on many threads.
///
/// A line ends with LF, CR LF or CR. Lines of nothing but white space are no records. What stands at a line's ends where
/// files were joined (byte order marks, 0x1A, record separators) doesn't belong to it.
struct ArchiveLines {
    /// Lines completely before the next one.
    private(set) var line: UInt64 = 0
    private var feed = ByteMark(0x0A)
    private var carriageReturn = ByteMark(0x0D)

    /// A line's bound in bytes; a longer one is a fault. API answers end far below it.
    static let longestLine = 8 << 20

    /// The next line that isn't blank; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial line before it is still in the window.
    mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        while true {
            let number = Int(line) + 1
            let end = try lineBreak(input)
            if end == nil, input.count == 0 { return nil }
            let text = Self.withoutMarks(UnsafeRawBufferPointer(rebasing: input.bytes[..<(end?.index ?? input.count)]))
            var content: ArchiveRecord.Content?
            if text.count > Self.longestLine {
                content = .fault(
                    InputFault(
                        code: .malformedRecord, message: "line \(number): the line is longer than 8 MiB",
                        raw: Array(text.prefix(InputFault.rawLimit))))
            } else if !Self.isBlank(text) {
                content = .document(Array(text))
            }
            if let end {
                input.consume(end.index + end.length)
                line += 1
            } else if try consumeLine(input) {
                // Otherwise it is the last line, and what is appended to the file later still belongs to it.
                line += 1
            }
            if let content { return ArchivePiece(content: content, line: number) }
        }
    }

    private struct LineBreak {
        var index: Int
        var length: Int
    }

    /// What ends the line at hand; nil where the line is too long to be held, or the last one.
    private mutating func lineBreak(_ input: InputWindow) throws -> LineBreak? {
        while true {
            if let found = try lineBreakInWindow(input) { return found }
            // One more than too long, for what doesn't count at its end.
            if input.count > Self.longestLine + 1 { return nil }
            if try !input.extend() { return nil }
        }
    }

    /// The first line break as far as the window reaches, which grows where it ends with a CR.
    private mutating func lineBreakInWindow(_ input: InputWindow) throws -> LineBreak? {
        let feedIndex = feed.index(in: input)
        guard let returnIndex = carriageReturn.index(in: input), returnIndex < feedIndex ?? .max else {
            return feedIndex.map { LineBreak(index: $0, length: 1) }
        }
        while returnIndex + 1 == input.count, try input.extend() {}
        let isFollowed = returnIndex + 1 < input.count && input.bytes[returnIndex + 1] == 0x0A
        return LineBreak(index: returnIndex, length: isFollowed ? 2 : 1)
    }

    /// Consumes the rest of a line of any length; false where the input ends before its end.
    private mutating func consumeLine(_ input: InputWindow) throws -> Bool {
        repeat {
            if let end = try lineBreakInWindow(input) {
                input.consume(end.index + end.length)
                return true
            }
            input.consume(input.count)
        } while try input.extend()
        return false
    }

    private static func withoutMarks(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var text = text[...]
        while let first = text.first {
            if first == 0x1A || first == 0x1E {
                text = text.dropFirst()
            } else if first == 0xEF, text.starts(with: [0xEF, 0xBB, 0xBF]) {
                text = text.dropFirst(3)
            } else {
                break
            }
        }
        while text.last == 0x1A { text = text.dropLast() }
        return UnsafeRawBufferPointer(rebasing: text)
    }

    private static func isBlank(_ text: UnsafeRawBufferPointer) -> Bool {
        for byte in text where byte != 0x20 && byte != 0x09 { return false }
        return true
    }
}

/// Where the next byte of one value stands. What has been searched isn't searched again, so a file that has none of them
/// costs one pass.
private struct ByteMark {
    private let byte: Int32
    private var found: UInt64?
    /// Up to here it has been looked for, as an offset in the input.
    private var searched: UInt64 = 0

    init(_ byte: Int32) { self.byte = byte }

    /// Its index in the window; nil where the window holds none.
    mutating func index(in input: InputWindow) -> Int? {
        if let found, found >= input.offset { return Int(found - input.offset) }
        found = nil
        let start = Int(max(searched, input.offset) - input.offset)
        let bytes = input.bytes
        guard start < bytes.count, let base = bytes.baseAddress else { return nil }
        guard let match = memchr(base + start, byte, bytes.count - start) else {
            searched = input.offset + UInt64(bytes.count)
            return nil
        }
        let index = UnsafeRawPointer(match) - base
        found = input.offset + UInt64(index)
        searched = input.offset + UInt64(index) + 1
        return index
    }
}
