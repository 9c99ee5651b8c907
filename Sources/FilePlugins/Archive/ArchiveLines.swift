internal import Glibc
internal import PipelineCore

/// A record before its place in the archive is known.
struct ArchivePiece {
    var content: ArchiveRecord.Content
    /// The line on which it begins, from 1.
    var line: Int
}

/// Cuts a file into lines, a document each. What they hold is looked at elsewhere, on many threads.
///
/// A line ends with LF; one CR in front of it doesn't belong to the line. Lines of nothing but white space are no records.
struct ArchiveLines {
    /// Lines completely in front of the next one.
    private(set) var line: UInt64 = 0

    /// A line's bound in bytes; a longer one is a fault. API answers end far below it.
    static let longestLine = 8 << 20

    /// The next line that isn't blank; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial line in front of it is still in the window.
    mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        while true {
            let number = Int(line) + 1
            let end = try lineFeed(input)
            if end == nil, input.count == 0 { return nil }
            var text = UnsafeRawBufferPointer(rebasing: input.bytes[..<(end ?? input.count)])
            if text.last == 0x0D { text = UnsafeRawBufferPointer(rebasing: text.dropLast()) }
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
                input.consume(end + 1)
                line += 1
            } else if try consumeLine(input) {
                // Otherwise it is the last line, and what is appended to the file later still belongs to it.
                line += 1
            }
            if let content { return ArchivePiece(content: content, line: number) }
        }
    }

    /// The index of the LF that ends the line at hand; nil where the line is too long to be held, or the last one.
    private func lineFeed(_ input: InputWindow) throws -> Int? {
        var scanned = 0
        while true {
            if let index = Self.lineFeed(input.bytes, from: scanned) { return index }
            scanned = input.count
            // One more than too long, for a CR that doesn't count.
            if scanned > Self.longestLine + 1 { return nil }
            if try !input.extend() { return nil }
        }
    }

    /// Consumes the rest of a line of any length; false where the input ends in front of its LF.
    private func consumeLine(_ input: InputWindow) throws -> Bool {
        repeat {
            if let index = Self.lineFeed(input.bytes, from: 0) {
                input.consume(index + 1)
                return true
            }
            input.consume(input.count)
        } while try input.extend()
        return false
    }

    private static func lineFeed(_ bytes: UnsafeRawBufferPointer, from index: Int) -> Int? {
        guard let base = bytes.baseAddress, index < bytes.count,
            let found = memchr(base + index, 0x0A, bytes.count - index)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    private static func isBlank(_ text: UnsafeRawBufferPointer) -> Bool {
        for byte in text where byte != 0x20 && byte != 0x09 && byte != 0x0D { return false }
        return true
    }
}
