import FilePlugins
import PipelineCore
import Testing

/// Rows of which nobody knows which field is the ID, and fields that are longer than what is held in memory.
@Suite(.timeLimit(.minutes(2)))
struct CSVRowTests {
    struct Sheet: Sendable, CustomTestStringConvertible {
        var text: String
        var column = "user_id"
        var header: Bool?
        var separator: String?
        var contents: [String]
        var testDescription: String { text.debugDescription }
    }

    private static let surplus = "<SurplusFields>"
    static let sheets = [
        Sheet(text: "name,user_id\nSmith, John,u1\nAnn,u2\n", contents: [surplus, "u2"]),
        Sheet(text: "name;user_id\rSmith; John;u1\rAnn;u2\r", contents: [surplus, "u2"]),
        Sheet(text: "name\tuser_id\r\nSmith\tJohn\tu1\r\nAnn\tu2", contents: [surplus, "u2"]),
        Sheet(text: "name|user_id\nSmith|John|u1\nAnn|u2", separator: "|", contents: [surplus, "u2"]),
        Sheet(text: "user_id\nSmith, u1\nu2\n", contents: [surplus, "u2"]),
        Sheet(text: "user_id\nSmith; u1\nu2\n", separator: ";", contents: [surplus, "u2"]),
        // The ID's own column comes first: which field is surplus isn't known either.
        Sheet(text: "user_id,name\nu1,Smith, John\nu2,Ann\n", contents: [surplus, "u2"]),
        // Empty ones are no harm.
        Sheet(text: "name,user_id\nAnn,u1,,\"\",\nBob,u2,,\"\"x\n", contents: ["u1", surplus]),
        Sheet(text: "name,user_id,\nAnn,u1,x\nBob,u2,,x\n", contents: ["u1", surplus]),
        // Without a header the first row counts.
        Sheet(text: "\nAnn,u1\nSmith, John,u2\nBob,u3\n", column: "2", header: false, contents: ["u1", surplus, "u3"]),
        // Joined files: no field, and no part of one.
        Sheet(text: "\u{FEFF}name,user_id\nAnn,u1\u{1A}\n\u{FEFF}Bob,u2\r\u{1A}", contents: ["u1", "u2"]),
        Sheet(text: "user_id,name\nu1,Ann\n\u{1A}\u{FEFF}u2,Bob\n\u{FEFF}\"u3\",Cy\n", contents: ["u1", "u2", "u3"]),
        Sheet(text: "user_id,name\nu1,Ann,\u{1A}\n\"u\u{FEFF}2\",Bob\n", contents: ["u1", "u\u{FEFF}2"]),
        Sheet(text: "user_id\nu1\u{FEFF}u2\nu3\n", contents: ["<InvalidUserId>", "u3"]),
        // Quotes that were closed by accident.
        Sheet(text: "name,user_id\nA,\"u1\" x\n\"B\" b,u2\n", contents: ["<InvalidUserId>", "u2"]),
        Sheet(
            text: "note,user_id\n\"open,u1\nx,\"u2\"\ny,u3\n", contents: ["<UnterminatedQuote>", "u3"]),
    ]

    @Test(arguments: sheets) func nobodysTextIsAskedFor(_ sheet: Sheet) async throws {
        let folder = try TemporaryFolder()
        for name in ["sheet.csv", "sheet.csv.gz"] {
            let bytes = Array(sheet.text.utf8)
            let path = try folder.write(name, name.hasSuffix("gz") ? gzip([bytes], in: folder) : bytes)
            let reader = try makeReader(
                path, column: [sheet.column], header: sheet.header, separator: sheet.separator)
            let reading = try await Reading(reader)
            #expect(reading.error == nil)
            #expect(reading.contents == sheet.contents)
            try await expectResumption(reader, reading.records)
        }
    }

    @Test func aSurplusIsExplained() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("sheet.csv", "name,user_id\nSmith, John,u1\n".utf8)
        let fault = try #require(try await Reading(makeReader(path, column: ["user_id"])).faults.first)
        #expect(fault.message.hasPrefix("line 2: the row has 3 fields, the first row 2"))
        #expect(fault.raw == Array("Smith, John,u1".utf8))
    }

    /// Whoever names a column by its number may have a file without a header, whose first user would be lost.
    @Test func aNumberAsksWhetherThereIsAHeader() throws {
        #expect {
            try makeReader("ids.csv", column: ["1"])
        } throws: { error in
            (error as? OptionError)?.path == ["header"]
        }
        for header in [true, false] { _ = try makeReader("ids.csv", column: ["1"], header: header) }
        _ = try makeReader("ids.csv", column: ["user_id"])
    }

    /// A field up to its bound is read, whatever stands in it, and whichever column it is in.
    @Test(arguments: [16_777_216, 16_777_217]) func aQuotedFieldHasItsBound(_ length: Int) async throws {
        let folder = try TemporaryFolder()
        let line = Array("user-000001, we have called you\n".utf8)
        var note = [UInt8]()
        note.reserveCapacity(length)
        while note.count + line.count <= length { note += line }
        note += [UInt8](repeating: 0x78, count: length - note.count)
        let text = Array("user_id,note,name\nu1,\"".utf8) + note + Array("\",x\nu2,\"a\nb\",\n".utf8)
        let path = try folder.write("ids.csv", text)
        let reader = try makeReader(path, column: ["user_id"])
        let reading = try await Reading(reader)
        if length == 16_777_216 {
            #expect(reading.contents == ["u1", "u2"])
            #expect(reading.lines == [2, 3 + note.count { $0 == 0x0A }])
            let rest = try await Reading(reader, from: reading.records[0].next)
            #expect(rest.contents == ["u2"])
        } else {
            #expect(reading.contents == [])
            #expect(reading.error?.kind == .noInput)
            #expect(reading.error?.message.contains("the quote that opens on line 2 ") == true)
        }
    }
}
