import FilePlugins
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CSVFormatTests {
    /// Short rows of what is awkward in CSV, against Python; and from every position the rest.
    @Test(arguments: [(",", ","), (";", ";"), ("tab", "\t")], 0..<4 as Range<UInt64>)
    func agreesWithPython(_ separator: (option: String, character: String), _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let pieces = [
            "\"", "\"", "\"\"", separator.character, separator.character, "\n", "\r\n", "\r", "a", "bc", " ", "é",
        ]
        var files: [String] = []
        for number in 0..<60 {
            let count = Int.random(in: 0...24, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            files.append(try folder.write("\(number).csv", ((number % 10 == 9 ? "\u{FEFF}" : "") + text).utf8))
        }
        for (file, columns) in zip(files, try csvOracle(files, columns: 0..<3, separator: separator.character)) {
            for (column, rows) in columns.enumerated() {
                let reader = try makeReader(
                    file, column: [String(column + 1)], header: false, separator: separator.option)
                let reading = try await Reading(reader)
                let isRight = reading.records.map(row) == rows && reading.error == nil
                #expect(isRight, "seed \(seed), \(file): \(reading.contents) instead of \(rows)")
                if column == 1 { try await expectResumption(reader, reading.records) }
            }
        }
    }

    /// The same with rows that cross the reader's buffer at every place.
    @Test(arguments: 0..<3 as Range<UInt64>)
    func agreesWithPythonAcrossBuffers(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let pieces = ["\"", "\"\"", ",", "\r\n", "\r", "a", "é"]
        let tail = (0..<40).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        var files: [String] = []
        for shift in 0..<30 {
            let front = String(repeating: String(repeating: "x", count: 43_600) + "\n", count: 6)
            let filler = String(repeating: "z", count: 262_144 - front.utf8.count - shift)
            files.append(try folder.write("\(shift).csv", (front + filler + tail).utf8))
        }
        for (file, rows) in zip(files, try csvOracle(files, columns: 0..<1, separator: ",")) {
            let reading = try await Reading(makeReader(file, column: ["1"], header: false, separator: ","))
            #expect(reading.records.map(row) == rows[0], "seed \(seed), \(file)")
        }
    }

    /// Quoted fields as long as what is held of a row, and longer, closed and open.
    @Test(arguments: [65_535, 65_537, 131_072, 300_000, 600_000])
    func takesLongQuotedFields(_ length: Int) async throws {
        let folder = try TemporaryFolder()
        var files: [String] = []
        let long = String(repeating: "x", count: length - 3) + "\ny\n"
        for (number, rest) in ["\"\nend,2", "\",2\nend,2\n", "\n\"end\",2", ""].enumerated() {
            for (variant, front) in ["", "1,2\n", "a\n", "\"two\nlines\","].enumerated() {
                files.append(try folder.write("\(number)-\(variant).csv", (front + "\"" + long + rest).utf8))
            }
        }
        for (file, rows) in zip(files, try csvOracle(files, columns: 0..<1, separator: ",")) {
            let reader = try makeReader(file, column: ["1"], header: false, separator: ",")
            let reading = try await Reading(reader)
            #expect(reading.records.map(row) == rows[0], "\(file)")
            try await expectResumption(reader, reading.records)
        }
    }

    @Test func anUnterminatedQuoteHoldsAllThatFollows() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.csv", "id,x\na,1\n\"one\ntwo\",\"b,2\nc,3\nd,4\n".utf8)
        let reader = try makeReader(path, column: ["id"])
        let reading = try await Reading(reader)
        #expect(reading.contents == ["a", "<UnterminatedQuote>"])
        #expect(reading.lines == [2, 3])
        #expect(reading.records.last?.next.line == 6)
        #expect(reading.faults.map(\.raw) == [Array("\"one\ntwo\",\"b,2\nc,3\nd,4\n".utf8)])
        #expect(reading.faults[0].message.hasPrefix("line 3: the quote that opens on line 4 isn't closed"))
        try await expectResumption(reader, reading.records)
    }

    @Test func keepsTheRowsOfFaults() async throws {
        let folder = try TemporaryFolder()
        let bytes = Array("n,id\r\n1\r\n2,\r\n3,\"\"\r\n4,..\r\n5,".utf8) + [0xFF] + Array("\r\n\u{e9},f\r\n".utf8)
        let reading = try await Reading(makeReader(folder.write("ids.csv", bytes), column: ["id"]))
        #expect(
            reading.contents == [
                "<MissingField>", "<EmptyUserId>", "<EmptyUserId>", "..", "<InvalidEncoding>", "f",
            ])
        #expect(
            reading.faults.map { String(decoding: $0.raw.prefix(4), as: UTF8.self) } == [
                "1", "2,", "3,\"\"", "5,\u{FFFD}",
            ])
        #expect(reading.faults[0].message == "line 2: the row has 1 field, none for column 'id'")
    }

    @Test(arguments: [1_048_575, 1_048_576, 1_048_577, 3_000_000])
    func boundsRows(_ length: Int) async throws {
        let folder = try TemporaryFolder()
        let long = "id," + String(repeating: "x", count: length - 3)
        let path = try folder.write("ids.csv", "first,1\n\(long)\nlast\n".utf8)
        let reader = try makeReader(path, column: ["1"], header: false, separator: ",")
        let reading = try await Reading(reader)
        #expect(reading.contents == ["first", length > 1_048_576 ? "<InvalidUserId>" : "id", "last"])
        #expect(reading.lines == [1, 2, 3])
        try await expectResumption(reader, reading.records)
    }

    struct Header: Sendable, CustomTestStringConvertible {
        var text: String
        var column: String
        var separator: String?
        /// The IDs, or what the error says.
        var contents: [String] = []
        var error: String?
        var testDescription: String { "\(text.debugDescription), \(column)" }
    }

    static let headers = [
        Header(text: "id,x\na,b\n", column: "id", contents: ["a"]),
        Header(text: "\u{FEFF}id,x\na,b\n", column: "id", contents: ["a"]),
        Header(text: "\r\n\n\"i\nd\",x\na,b\n", column: "i\nd", contents: ["a"]),
        Header(text: "x,id\na,b\n", column: "2", contents: ["b"]),
        Header(text: "x,1\na,b\n", column: "1", contents: ["b"]),
        Header(text: "User.UserId,User.UserAttributes.a\nb,c\n", column: "User.UserId", contents: ["b"]),
        Header(text: "", column: "id", contents: []),
        Header(text: "\n\n", column: "id", contents: []),
        Header(text: "id", column: "id", contents: []),
        Header(text: "id,x\n", column: "ID", error: "no column has the name 'ID'; the header has 'id', 'x'"),
        Header(text: "id,x,id\n", column: "id", error: "2 columns have the name 'id': 1, 3"),
        Header(text: "id,x\n", column: "3", error: "there is no column 3; the header has 'id', 'x'"),
        Header(text: "id;x\n", column: "id", separator: ",", error: "separated by ';': set 'separator'"),
        // No header at all: what stands there is nobody's business.
        Header(
            text: "jane@example.com,+4917012345678,x\n", column: "id",
            error: "no column has the name 'id'; the header has column 1, column 2, 'x'"),
        Header(text: "\u{e9}\n", column: "e\u{301}", error: "no column has the name"),
    ]

    @Test(arguments: headers)
    func findsTheColumn(_ header: Header) async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.csv", header.text.utf8)
        let reading = try await Reading(
            makeReader(
                path, column: header.column.split(separator: ".").map(String.init),
                header: Int(header.column) == nil ? nil : true, separator: header.separator))
        #expect(reading.contents == header.contents)
        guard let text = header.error else {
            #expect(reading.error == nil)
            return
        }
        let error = try #require(reading.error)
        #expect(error.kind == .configuration)
        #expect(error.description.contains(text))
        #expect(error.message.contains(path))
    }

    @Test func refusesAHeaderWithoutEnd() async throws {
        let folder = try TemporaryFolder()
        let reading = try await Reading(makeReader(folder.write("ids.csv", "\"id,x\na,b\n".utf8), column: ["id"]))
        #expect(reading.error?.kind == .noInput)
        #expect(reading.error?.message.contains("header") == true)
    }

    private func short(_ id: [UInt8]) -> String {
        id.count <= 200 ? hex(id) : "\(hex(Array(id.prefix(100)))) \(id.count) \(hex(Array(id.suffix(100))))"
    }

    private func row(_ record: InputRecord) -> ExpectedRow {
        switch record.content {
        case .userID(let id): return ExpectedRow(line: record.line, kind: "id", value: short(Array(id.utf8)))
        case .fault(let fault):
            switch fault.code {
            case .emptyUserID: return ExpectedRow(line: record.line, kind: "id", value: "")
            case .missingField: return ExpectedRow(line: record.line, kind: "missing", value: "")
            case .unterminatedQuote: return ExpectedRow(line: record.line, kind: "unterminated", value: "")
            default: return ExpectedRow(line: record.line, kind: fault.code.rawValue, value: "")
            }
        }
    }
}
