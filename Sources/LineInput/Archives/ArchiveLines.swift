internal import PipelineCore

/// Cuts a file into lines, a document each. What they hold is looked at elsewhere, on many threads.
///
/// Lines of nothing but white space are no records. What stands at a line's ends where files were joined (byte order marks,
/// 0x1A, record separators) doesn't belong to it.
struct ArchiveLines {
    // One byte more, for what doesn't count at a line's end.
    private var cutter = LineCutter(longest: Self.longestLine + 1, joints: .kept)
    /// Lines completely before the next one.
    var line: UInt64 { cutter.line }

    /// A line's bound in bytes; a longer one is a fault. API answers end far below it.
    static let longestLine = 8 << 20

    /// The next line that isn't blank; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial line before it is still in the window.
    mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        guard let next = try cutter.next(input, Self.content) else { return nil }
        return ArchivePiece(content: next.content, line: next.number)
    }

    private static func content(_ line: LineCutter.Line) -> ArchiveRecord.Content? {
        let text = withoutMarks(line.text)
        if !line.isWhole || text.count > longestLine {
            return .fault(InputFault(.malformedRecord, line: line.number, "the line is longer than 8 MiB", raw: text))
        }
        return isBlank(text) ? nil : .document(Array(text))
    }

    private static func withoutMarks(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var text = text[...]
        while let first = text.first {
            if first == InputWindow.substitute || first == InputWindow.recordSeparator {
                text = text.dropFirst()
            } else if first == InputWindow.byteOrderMark[0], text.starts(with: InputWindow.byteOrderMark) {
                text = text.dropFirst(3)
            } else {
                break
            }
        }
        while text.last == InputWindow.substitute { text = text.dropLast() }
        return UnsafeRawBufferPointer(rebasing: text)
    }

    private static func isBlank(_ text: UnsafeRawBufferPointer) -> Bool {
        for byte in text where byte != 0x20 && byte != 0x09 { return false }
        return true
    }
}
