import LineInput
import PipelineCore
import Testing

/// Files of archives from their bytes alone: what is found in them, and the records that it is cut into.
@Suite(.timeLimit(.minutes(2)))
struct ArchiveCutterTests {
    @Test(
        arguments: [
            ("{}\n\u{1E}{ }\r\n", .lines, ["{}:1", "{ }:2"]),
            ("{}\u{1A}\r\r\u{FEFF}{ }", .lines, ["{}:1", "{ }:3"]),
            (" \r\n[{},\r{ }]\r\n", .documents, ["{}:2", "{ }:3"]),
            ("\u{1E}{\n}\r\u{FEFF}\n{}", .documents, ["{\n}:1", "{}:4"]),
            ("[{}\n{", .documents, ["{}:1", "<MalformedRecord>:2"]),
            (
                "\n\"sep=|\"\rId|Address\r\n\r\n1|\"a\nb\"\n2\n3|\n", .rows(separator: UInt8(ascii: "|")),
                [#"{"Id":"1","Address":"a\u000ab"}:5"#, "<MalformedRecord>:7", #"{"Id":"3"}:8"#]
            ),
            (
                "Id,Address\n1,a\nId,Address\n2,\"b", .rows(separator: UInt8(ascii: ",")),
                [#"{"Id":"1","Address":"a"}:2"#, "<UnterminatedQuote>:4"]
            ),
            (
                "Id;Address\n1;a\nId;ChannelType\n2;b", .rows(separator: UInt8(ascii: ";")),
                [#"{"Id":"1","Address":"a"}:2"#, "<MalformedRecord>:3"]
            ),
        ] as [(String, ArchiveContent.Form, [String])])
    func cutsWhatItFinds(_ text: String, _ form: ArchiveContent.Form, _ expected: [String]) throws {
        let file = try TemporaryFile(text.utf8)
        #expect(try ArchiveContent.sniff(file.path) == .text(form, utf16: nil))
        for capacity in [2, 4096] {
            let input = try InputWindow(path: file.path, capacity: capacity)
            var cutter = try ArchiveCutter(input, form)
            var found: [String] = []
            while let piece = try cutter.next(input) {
                switch piece.content {
                case .document(let bytes): found.append("\(String(decoding: bytes, as: UTF8.self)):\(piece.line)")
                case .fault(let fault): found.append("<\(fault.code.rawValue)>:\(piece.line)")
                }
            }
            #expect(found == expected)
        }
    }
}
