import LineInput
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct LineCutterTests {
    struct Cut: Equatable {
        var text: String
        var number: Int
        var isWhole = true
    }

    private func cut(_ input: InputWindow, _ cutter: inout LineCutter) throws -> [Cut] {
        var cuts: [Cut] = []
        while let next = try cutter.next(
            input, { Cut(text: String(decoding: $0.text, as: UTF8.self), number: $0.number, isWhole: $0.isWhole) })
        {
            #expect(next.number == next.content.number)
            cuts.append(next.content)
        }
        return cuts
    }

    private func cut(
        _ text: String, longest: Int = 1000, _ joints: LineCutter.Joints = .kept, capacity: Int = 2
    ) throws -> (cuts: [Cut], line: UInt64) {
        let file = try TemporaryFile(text.utf8)
        var cutter = LineCutter(longest: longest, joints: joints)
        let cuts = try cut(InputWindow(path: file.path, capacity: capacity), &cutter)
        return (cuts, cutter.line)
    }

    /// The lines of a text, and how many of them have an end.
    private func model(_ text: String) -> (lines: [String], ended: Int) {
        var lines = [""]
        var isBehindReturn = false
        for byte in text.unicodeScalars {
            switch byte {
            case "\r": lines.append("")
            case "\n": if !isBehindReturn { lines.append("") }
            default: lines[lines.count - 1].unicodeScalars.append(byte)
            }
            isBehindReturn = byte == "\r"
        }
        let ended = lines.count - 1
        if lines.last == "" { lines.removeLast() }
        return (lines, ended)
    }

    /// Every text of up to six of these, in a window that grows from two bytes, so that a break is cut everywhere.
    @Test func cutsAtEveryLineEnd() throws {
        for text in texts(of: ["a", "\r", "\n"], upTo: 6) {
            let (cuts, line) = try cut(text)
            let (lines, ended) = model(text)
            let isRight =
                cuts == lines.enumerated().map { Cut(text: $1, number: $0 + 1) } && line == UInt64(ended)
            #expect(isRight, "\(text.debugDescription): \(cuts), \(line) lines")
        }
    }

    @Test(arguments: [
        ("a\n\u{1A}\u{FEFF}\u{FEFF}b\r\n\u{1A}", ["a", "b"], ["a", "\u{1A}\u{FEFF}\u{FEFF}b", "\u{1A}"]),
        ("a\u{1A}\rb\u{FEFF}\n", ["a", "b"], ["a\u{1A}", "b\u{FEFF}"]),
        ("a\u{FEFF}b\u{1A}c", ["a\u{FEFF}b\u{1A}c"], ["a\u{FEFF}b\u{1A}c"]),
    ])
    func marksOfJoinedFiles(_ text: String, _ dropped: [String], _ kept: [String]) throws {
        #expect(try cut(text, .dropped).cuts.map(\.text) == dropped)
        #expect(try cut(text, .kept).cuts.map(\.text) == kept)
    }

    /// A line is held up to its bound, wherever it stands in the window; the next one is whole again.
    @Test(arguments: [9, 10, 11, 12, 500], ["\n", "\r\n", "\r", ""])
    func boundsLines(_ length: Int, _ ending: String) throws {
        for lead in 0..<9 {
            let long = String(repeating: "x", count: length)
            let front = String(repeating: "y", count: lead) + "\n"
            let cuts = try cut(front + long + ending + (ending.isEmpty ? "" : "z"), longest: 10).cuts
            #expect(cuts.map(\.number) == (ending.isEmpty ? [1, 2] : [1, 2, 3]))
            #expect(cuts[1].text == (cuts[1].isWhole ? long : String(repeating: "x", count: 11)))
            if length <= 10 { #expect(cuts[1].isWhole) }
            if length == 500 { #expect(!cuts[1].isWhole) }
            if !ending.isEmpty { #expect(cuts[2] == Cut(text: "z", number: 3)) }
        }
    }

    /// From every position that follows a line, reading gives the rest with its numbers.
    @Test func goesOnBehindEveryLine() throws {
        let file = try TemporaryFile("\u{FEFF}a\r\n\rb\n\nc\rd".utf8)
        func read(_ position: Position) throws -> [(text: String, line: Int, next: Position)] {
            let input = try InputWindow(path: file.path, capacity: 2)
            var cutter = LineCutter(longest: 10)
            try cutter.begin(input, at: position)
            var all: [(String, Int, Position)] = []
            while let next = try cutter.next(input, { String(decoding: $0.text, as: UTF8.self) }) {
                all.append((next.content, next.number, Position(offset: input.offset, line: cutter.line)))
            }
            return all
        }
        let all = try read(.start)
        #expect(all.map(\.text) == ["a", "", "b", "", "c", "d"])
        #expect(all.map(\.line) == [1, 2, 3, 4, 5, 6])
        for index in all.indices {
            let rest = try read(all[index].next)
            #expect(rest.map(\.text) == all[(index + 1)...].map(\.text))
            #expect(rest.map(\.line) == all[(index + 1)...].map(\.line))
        }
    }

    /// Of a file that is written meanwhile: a LF behind the CR that was its end is part of that end, half a line is none.
    @Test func aFileThatGrows() throws {
        let file = try TemporaryFile("a\r".utf8)
        let input = try InputWindow(path: file.path)
        var cutter = LineCutter(longest: 10)
        #expect(try cut(input, &cutter).map(\.text) == ["a"])
        try file.append("\nb\n")
        #expect(try cut(input, &cutter) == [Cut(text: "b", number: 2)])
        try file.append("half")
        #expect(try cut(input, &cutter) == [Cut(text: "half", number: 3)])
        #expect(input.endedWithinRecord && cutter.line == 2)
        try file.append(" a line\n")
        #expect(throws: InputDamage.writtenMeanwhile) { try cut(input, &cutter) }
    }
}
