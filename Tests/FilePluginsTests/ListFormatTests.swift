import FilePlugins
import Foundation
import PipelineCore
import Testing

/// Lists as people and spreadsheets write them.
@Suite(.timeLimit(.minutes(5)))
struct ListFormatTests {
    struct Sheet: Sendable, CustomTestStringConvertible {
        var text: String
        var column = "user_id"
        var header = true
        var ids: [String]
        var testDescription: String { text.debugDescription }
    }

    static let sheets = [
        Sheet(text: "user_id,name\na,1\nb,2\n", ids: ["a", "b"]),
        Sheet(text: "user_id;name\na,x;1,5\nb;2\n", ids: ["a,x", "b"]),
        Sheet(text: "name\tuser_id\n1\ta;b\n", ids: ["a;b"]),
        Sheet(text: "name|user_id\n1|a\n", ids: ["a"]),
        // One column: whatever stands in it.
        Sheet(text: "user_id\na;b\n", ids: ["a;b"]), Sheet(text: "user_id\r\na,b\r\n", ids: ["<SurplusFields>"]),
        // The column tells, though another separator is more frequent.
        Sheet(text: "user_id;\"a,b,c,d\";e,f,g\nx;y;z\n", ids: ["x"]),
        // What is quoted doesn't count.
        Sheet(text: "\"a;b;c;d\",user_id\n1,x\n", ids: ["x"]),
        Sheet(text: "\"a;b;c;d\",x\n", column: "2", header: false, ids: ["x"]),
        Sheet(text: "a;x;c\n1;y,z;3\n", column: "2", header: false, ids: ["x", "y,z"]),
        // Spreadsheets' own line, marks and line ends; German ones write decimal commas.
        Sheet(text: "sep=;\r\nuser_id;share\r\na;0,5\r\n", ids: ["a"]),
        Sheet(text: "\u{FEFF}sep=|\nuser_id|x\na|1\n", ids: ["a"]),
        Sheet(text: "\"SEP=;\"\ruser_id;share\ra;0,5\r", ids: ["a"]),
        Sheet(text: "\u{FEFF}user_id;share;count\r\n\"a\"\"b\";0,5;1,0\r\n", ids: ["a\"b"]),
        Sheet(text: "\n\nuser_id;x\n\na;1\n", ids: ["a"]),
        Sheet(text: "ChannelType,User.UserId\nSMS,a\n", column: "User.UserId", ids: ["a"]),
    ]

    @Test(arguments: sheets) func findsTheSeparator(_ sheet: Sheet) async throws {
        let folder = try TemporaryFolder()
        let reader = try makeReader(
            folder.write("sheet.csv", sheet.text.utf8), column: [sheet.column], header: sheet.header)
        let reading = try await Reading(reader)
        #expect(reading.error == nil)
        #expect(reading.contents == sheet.ids)
        try await expectResumption(reader, reading.records)
    }

    /// A given separator is taken, whatever the first row looks like.
    @Test func aGivenSeparatorIsTaken() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("sheet.csv", "user_id,a;b\nx,y;z\n".utf8)
        let reading = try await Reading(makeReader(path, column: ["user_id,a"], separator: ";"))
        #expect(reading.contents == ["x,y"])
    }

    @Test func anUnknownColumnNamesThoseThatThereAre() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("sheet.csv", "id;name\nx;y\n".utf8)
        let reading = try await Reading(makeReader(path, column: ["user_id"]))
        #expect(reading.error?.kind == .configuration)
        #expect(reading.error?.message.contains("'id', 'name'") == true)
    }

    /// Tokens and their lines, against a plain split; from every position the rest.
    @Test(arguments: 0..<200 as Range<UInt64>) func cutsAtWhiteSpace(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let pieces = ["a", "bc", "é", " ", " ", "\t", "\n", "\r\n", "\r", ",", "\"", "user-1"]
        let text = (0..<Int.random(in: 0...60, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
        let folder = try TemporaryFolder()
        let reader = try makeReader(folder.write("ids.txt", text.utf8), separator: "whitespace")
        let reading = try await Reading(reader)
        var expected: [String] = []
        var lines: [Int] = []
        let unix = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
        for (number, line) in unix.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        {
            for token in line.split(whereSeparator: { " \t".unicodeScalars.contains($0) }) {
                expected.append(String(token))
                lines.append(number + 1)
            }
        }
        #expect(reading.contents == expected, "seed \(seed)")
        #expect(reading.lines == lines, "seed \(seed)")
        try await expectResumption(reader, reading.records)
    }

    @Test func tokensOfAnyLengthAreCounted() async throws {
        let folder = try TemporaryFolder()
        func word(_ count: Int) -> String { String(repeating: "x", count: count) }
        let text = [word(65_536), word(65_537), word(600_000), "end"].joined(separator: " ")
        let path = try folder.write("ids.txt", text.utf8)
        let reading = try await Reading(makeReader(path, separator: "whitespace"))
        #expect(reading.contents == [word(65_536), "<InvalidUserId>", "<InvalidUserId>", "end"])
    }

    /// Pinpoint's own lists say in their first line what they hold.
    @Test(arguments: [nil, "whitespace"]) func aHeaderIsDropped(_ separator: String?) async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.txt", "\u{FEFF}\nUser.UserId\r\na\nb\n".utf8)
        let reader = try makeReader(path, header: true, separator: separator)
        let reading = try await Reading(reader)
        #expect(reading.contents == ["a", "b"])
        #expect(reading.lines == [3, 4])
        try await expectResumption(reader, reading.records)
        let whole = try await Reading(makeReader(path, separator: separator))
        #expect(whole.contents == ["User.UserId", "a", "b"])
        let only = try folder.write("only.txt", "User.UserId".utf8)
        #expect(try await Reading(makeReader(only, header: true, separator: separator)).contents == [])
    }

    /// What takes a file's place while it is read may go on differently: its end doesn't count.
    @Test func aReplacedFileIsTold() async throws {
        let folder = try TemporaryFolder()
        let ids = (0..<5000).map { "user-\($0)\n" }.joined()
        let path = try folder.write("ids.txt", ids.utf8)
        let cursor = try await makeReader(path).open(at: .start)
        #expect(try await cursor.next(limit: 10).count == 10)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        try folder.write("ids.txt", ids.utf8)
        var count = 10
        do {
            while case let records = try await cursor.next(limit: 1000), !records.isEmpty { count += records.count }
            Issue.record("no error")
        } catch let error as PipelineError {
            #expect(error.kind == .noInput)
            #expect(error.message == "\(path) was replaced while it was read")
        }
        #expect(count == 5000)
        await cursor.close()
    }

    /// A line that is half written when it is read must not pass for a whole one.
    @Test(arguments: ["ids.txt", "ids.csv"], [1, 2, 3, 1000])
    func aTornLineIsTold(_ name: String, limit: Int) async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(name, "user_id\na\nb\nuser-003".utf8)
        let column = name == "ids.csv" ? ["user_id"] : nil
        let cursor = try await makeReader(path, column: column, header: true).open(at: .start)
        var read = try await cursor.next(limit: limit).count
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Array("071\nc\n".utf8))
        try file.close()
        do {
            while case let records = try await cursor.next(limit: limit), !records.isEmpty { read += records.count }
            // Where the line hadn't been looked at yet, it is read as a whole.
            #expect(limit < 3 && read == 4)
        } catch let error as PipelineError {
            #expect(error.kind == .noInput && error.message.contains("was written to while it was read"))
        }
        await cursor.close()
    }

    /// What is appended meanwhile belongs to the input.
    @Test func aGrowingFileIsReadToItsEnd() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.txt", "a\nb\n".utf8)
        let cursor = try await makeReader(path).open(at: .start)
        #expect(try await cursor.next(limit: 1).count == 1)
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data("c\n".utf8))
        try file.close()
        var rest: [String] = []
        while case let records = try await cursor.next(limit: 10), !records.isEmpty {
            rest += records.map { String(decoding: $0.hashedBytes, as: UTF8.self) }
        }
        #expect(rest == ["b", "c"])
        await cursor.close()
    }
}
