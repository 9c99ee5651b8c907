import FilePlugins
import Foundation
import PipelineCore
import Testing

/// JSON documents and lists over any number of lines.
@Suite(.timeLimit(.minutes(2)))
struct ArchiveDocumentTests {
    @Test(
        arguments: [
            ("[{},{ }]", ["{}:1", "{ }:1"]), ("[\n{\n},\r\n{ }\n]\n", ["{\n}:2", "{ }:4"]), ("[]", []),
            (" [ \n ] ", []),
            ("[{}]\n[{}]", ["{}:1", "{}:2"]), ("\u{1E}{}\n\u{1E}{ }\n", ["{}:1", "{ }:2"]),
            ("{\n}\n\n{ }{}", ["{\n}:1", "{ }:4", "{}:4"]), ("{}{ }\n", ["{}:1", "{ }:1"]),
            ("{\"a\":\r\"}\\\"{\"}\r{}", ["{\"a\":\r\"}\\\"{\"}:1", "{}:3"]),
            ("{\n}\n\u{FEFF}{}\u{1A}", ["{\n}:1", "{}:3"]),
            ("[{}, 7, \"x\", [{}]]", ["{}:1", "7:1", "\"x\":1", "[{}]:1"]),
            // The first broken one makes the rest one failure.
            ("[{},{]\n{}\n{}", ["{}:1", "<MalformedRecord>:1"]), ("[{},\n{}", ["{}:1", "{}:2", "<MalformedRecord>:2"]),
            ("{\n}\nnonsense\n{}", ["{\n}:1", "<MalformedRecord>:3"]),
            ("{\n}\n{\"a\":\"x\n\"}\n{}", ["{\n}:1", "<MalformedRecord>:3"]), ("{\n\n", ["<MalformedRecord>:1"]),
        ] as [(String, [String])])
    func cutsDocuments(_ text: String, _ expected: [String]) async throws {
        let folder = try TemporaryFolder()
        for form in ["plain", "gzip", "UTF-16", "UTF-16 in gzip"] {
            var bytes = Array(text.utf8)
            if form.hasPrefix("UTF-16") {
                bytes = [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            }
            if form.hasSuffix("gzip") { bytes = try gzip([bytes], in: folder) }
            let reading = try await ArchiveReading(folder.write("in", bytes), limit: 1)
            #expect(reading.error == nil && reading.warnings.isEmpty, "\(form)")
            #expect(zip(reading.contents, reading.records).map { "\($0):\($1.line)" } == expected, "\(form)")
        }
    }

    /// Half of a surrogate pair and an odd byte are told, and nothing is put in their place.
    @Test func brokenUTF16IsTold() async throws {
        let folder = try TemporaryFolder()
        func units(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } }
        var bytes: [UInt8] = [0xFE, 0xFF]
        bytes += units("Id,Address\n1,😀ü\n2,")
        bytes += [0xD8, 0x00]
        bytes += units("\n3,x")
        bytes.append(0)
        let reading = try await ArchiveReading(folder.write("in", bytes))
        #expect(
            reading.contents == [#"{"Id":"1","Address":"😀ü"}"#, "<InvalidEncoding>", "<InvalidEncoding>"])
    }

    /// A list of any length streams; a document beyond 16 MiB ends the file.
    @Test func boundsDocuments() async throws {
        let folder = try TemporaryFolder()
        let element = "{\"a\":\"" + String(repeating: "x", count: 1 << 20) + "\"}"
        let list = "[" + Array(repeating: element, count: 24).joined(separator: ",\n") + "]"
        let reading = try await ArchiveReading(folder.write("in", list.utf8))
        #expect(reading.contents.count == 24 && reading.faults.isEmpty)
        let one = try await ArchiveReading(folder.write("in", "{\"Item\":\n\(list)}".utf8))
        #expect(one.contents == ["<MalformedRecord>"])
        #expect(one.faults.first?.message.hasPrefix("line 1: the document is longer than 16 MiB; what follows") == true)
    }
}
