internal import PipelineCore

/// Cuts a file into its JSON documents, and a list into its elements, over any number of lines.
///
/// White space, record separators (0x1E), and what stands where files were joined may lie between documents. Nobody knows
/// where the next document begins behind a broken one, so the rest of the file is one fault.
struct ArchiveDocuments {
    private var counter = LineCounter()
    /// Lines completely before the next document.
    var line: UInt64 { counter.lines }
    /// The line on which the list at hand begins, from 1; nil outside of lists.
    private var listLine: UInt64?
    private var isOver = false

    /// The next document; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial document before it is still in the window.
    mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        while !isOver {
            guard let first = try input.skipBlanks(&counter).next else {
                guard let listLine else { return nil }
                return broken(input, "the list that begins on line \(listLine) isn't closed; the file is cut off")
            }
            switch first {
            case UInt8(ascii: ",") where listLine != nil:
                consume(input, 1)
                continue
            case UInt8(ascii: "]") where listLine != nil:
                consume(input, 1)
                listLine = nil
                continue
            case UInt8(ascii: "[") where listLine == nil:
                consume(input, 1)
                listLine = line + 1
                continue
            case UInt8(ascii: "{"): break
            default:
                if listLine == nil { return broken(input, "neither a JSON document nor a list begins here") }
            }
            switch try JSONCutter().end(input) {
            case .value(let length):
                let piece = ArchivePiece(content: .document(Array(input.bytes[..<length])), line: Int(line) + 1)
                consume(input, length)
                return piece
            case .broken(let problem): return broken(input, problem)
            case .lineBreak: return nil
            }
        }
        return nil
    }

    private mutating func broken(_ input: InputWindow, _ problem: String) -> ArchivePiece {
        isOver = true
        return .rest(input, .malformedRecord, line: Int(line) + 1, problem)
    }

    private mutating func consume(_ input: InputWindow, _ count: Int) {
        counter.pass(input.bytes[..<count])
        input.consume(count)
    }
}
