import LineInput
import PipelineCore
import Testing

/// Each format from its layout alone, without a plugin.
@Suite(.timeLimit(.minutes(2)))
struct ListLayoutTests {
    struct List: Sendable, CustomTestStringConvertible {
        var layout: ListLayout
        var text: String
        /// IDs as they are, faults as their codes.
        var contents: [String]
        var lines: [Int]
        var testDescription: String { "\(layout) \(text.debugDescription)" }
    }

    static let lists = [
        List(
            layout: .lines(hasHeader: false), text: "\u{FEFF}a\r\n\r\nb\rc", contents: ["a", "b", "c"],
            lines: [1, 3, 4]),
        List(layout: .lines(hasHeader: true), text: "\nid\na\n", contents: ["a"], lines: [3]),
        List(
            layout: .whitespace(hasHeader: false), text: "a b\r\n\tc\r\rd", contents: ["a", "b", "c", "d"],
            lines: [1, 1, 2, 4]),
        // CR LF, cut by a mark of a file that was joined: two ends of lines.
        List(layout: .whitespace(hasHeader: false), text: "a\r\u{FEFF}\nb", contents: ["a", "b"], lines: [1, 3]),
        List(
            layout: .csv(column: .name("id"), hasHeader: true, separator: nil),
            text: "sep=;\r\n\n\nid;x\r\n\na;1\n\"b\rc\";2\n;3\n4\r\n", contents: ["a", "b\rc", "<EmptyUserId>", "4"],
            lines: [6, 7, 9, 10]),
        List(
            layout: .csv(column: .number(2), hasHeader: false, separator: UInt8(ascii: ",")),
            text: "\n1,a\n2\n3,b,c\n4,\"d\n",
            contents: ["a", "<MissingField>", "<SurplusFields>", "<UnterminatedQuote>"],
            lines: [2, 3, 4, 5]),
        List(
            layout: .ndjson(path: ["u", "id"]), text: "{\"u\":{\"id\":\"a\"}}\r \r{\"u\":{\"id\":7}}\n{}\n{",
            contents: ["a", "7", "<MissingField>", "<InvalidJSON>"], lines: [1, 3, 4, 5]),
    ]

    private func read(_ list: List, _ path: String, _ position: Position) throws -> [InputRecord] {
        var format = list.layout.makeFormat(file: "list")
        let input = try InputWindow(path: path, capacity: 2)
        try format.begin(input, at: position)
        var records: [InputRecord] = []
        while let record = try format.next(input) {
            #expect(record.next == Position(offset: input.offset, line: format.line))
            records.append(record)
        }
        return records
    }

    @Test(arguments: lists) func readsItsList(_ list: List) throws {
        let file = try TemporaryFile(list.text.utf8)
        let records = try read(list, file.path, .start)
        let contents = records.map {
            switch $0.content {
            case .userID(let id): id
            case .fault(let fault): "<\(fault.code.rawValue)>"
            }
        }
        #expect(contents == list.contents)
        #expect(records.map(\.line) == list.lines)
        for (index, record) in records.enumerated() {
            let rest = try read(list, file.path, record.next)
            #expect(rest.map(\.content) == records[(index + 1)...].map(\.content))
            #expect(rest.map(\.line) == list.lines[(index + 1)...].map { $0 })
        }
    }
}
