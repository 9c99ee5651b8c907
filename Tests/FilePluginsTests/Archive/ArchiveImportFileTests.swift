import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ArchiveImportFileTests {
    private func read(_ text: String, limit: Int = 100) async throws -> ArchiveReading {
        let folder = try TemporaryFolder()
        return try await ArchiveReading(folder.write("in.csv", text.utf8), written: "in.csv", limit: limit)
    }

    @Test(
        arguments: [
            ("Id,Address\n1,a\n", [#"{"Id":"1","Address":"a"}"#]),
            ("\u{FEFF}Id;Address\r\n1;a,b\r\n\r\n2;\r\n", [#"{"Id":"1","Address":"a,b"}"#, #"{"Id":"2"}"#]),
            ("Id\tOptOut\n1\tNONE", [#"{"Id":"1","OptOut":"NONE"}"#]),
            ("\n \nId,Address\n1,a", [#"{"Id":"1","Address":"a"}"#]),
            // Lists: a header for each element; dots in an attribute's name are its own.
            (
                "User.UserAttributes.x,Id,User.UserId,User.UserAttributes.x,User.UserAttributes.y.z\na,1,u,b,c\n,1,,,\n",
                [#"{"User":{"UserAttributes":{"x":["a","b"],"y.z":["c"]},"UserId":"u"},"Id":"1"}"#, #"{"Id":"1"}"#]
            ),
            (
                "Id,Attributes.a,Attributes.a,Metrics.m,Location.Latitude,Location.City\n1,,q,1.5,-0.25,07\n1,,,x,1e5,\n",
                [
                    #"{"Id":"1","Attributes":{"a":["q"]},"Metrics":{"m":1.5},"Location":{"Latitude":-0.25,"City":"07"}}"#,
                    #"{"Id":"1","Metrics":{"m":"x"},"Location":{"Latitude":1e5}}"#,
                ]
            ),
            // Unknown columns stay, nested by dots; a name that is both a value and a map stands under its whole name.
            ("Id,New.Deep.Name,Other\n1,a,b\n", [#"{"Id":"1","New":{"Deep":{"Name":"a"}},"Other":"b"}"#]),
            ("Id,User,User.UserId\n1,a,b\n", [#"{"Id":"1","User":"a","User.UserId":["b"]}"#]),
            ("Id,Address,Address\n1,a,b\n", [#"{"Id":"1","Address":["a","b"]}"#]),
            // Quotes, embedded line breaks, characters that JSON escapes.
            (
                "Id,\"Address\"\n\"1\",\"a\"\"b\\\nc\td\"\n2,ü\n",
                ["{\"Id\":\"1\",\"Address\":\"a\\\"b\\\\\\u000ac\\u0009d\"}", #"{"Id":"2","Address":"ü"}"#]
            ),
            // As spreadsheets write them: a line that names the separator, blanks and another case in the header.
            ("sep=|\r\nId|Address\r\n1|a\r\n", [#"{"Id":"1","Address":"a"}"#]),
            (
                "\u{FEFF}\"sep=;\"\nID ;user.userid;METRICS.m\n1;u;2\n",
                [#"{"Id":"1","User":{"UserId":"u"},"Metrics":{"m":2}}"#]
            ),
            ("Id, Address, \"Other\"\n1, a, \"b\"\n", [#"{"Id":"1","Address":"a","Other":"b"}"#]),
            ("id,Id,Address\n1,2,a\n", [#"{"id":"1","Id":"2","Address":"a"}"#]),
            // Files that were joined.
            ("Id,Address\r1,a\rId,Address\r2,b\r\u{1A}", [#"{"Id":"1","Address":"a"}"#, #"{"Id":"2","Address":"b"}"#]),
            ("Id,Address\n,\n", ["{}"]), ("Id,Address\n", []), ("Address\na\n", [#"{"Address":"a"}"#]),
        ] as [(String, [String])])
    func rowsBecomeEndpoints(_ text: String, _ expected: [String]) async throws {
        let reading = try await read(text)
        #expect(reading.error == nil && reading.warnings.isEmpty)
        #expect(reading.contents == expected)
    }

    @Test(arguments: [
        ("0", true), ("-0", true), ("1.5", true), ("1E+3", true), ("-12.25e-2", true), ("9007199254740993", true),
        ("01", false), ("+1", false), (".5", false), ("1.", false), ("1e", false), ("-", false), ("NaN", false),
        ("0x10", false), (" 1", false), ("1 ", false), ("1,5", false), ("Infinity", false), ("1e+", false),
        ("--1", false),
    ])
    func numbersAreThoseOfJSON(_ text: String, _ isNumber: Bool) async throws {
        let reading = try await read("Id;Metrics.m;Location.Longitude;Address\n1;\(text);\(text);\(text)\n")
        let value = isNumber ? text : "\"\(text)\""
        #expect(
            reading.contents == [
                "{\"Id\":\"1\",\"Metrics\":{\"m\":\(value)},\"Location\":{\"Longitude\":\(value)},\"Address\":\"\(text)\"}"
            ])
    }

    @Test func faultyRowsAreRecords() async throws {
        let folder = try TemporaryFolder()
        let text = "Id,Address\n1\n2,\"two\nlines\",3\n4,a\n6,b\n"
        let front = Array(text.utf8) + [0x37, 0x2C, 0xFF, 0x0A]
        // What stands behind a quote that isn't closed is never taken for a row.
        let bytes = front + Array("5,\"open\n8,b\n".utf8)
        let reading = try await ArchiveReading(folder.write("in.csv", bytes), limit: 1)
        let good = [#"{"Id":"4","Address":"a"}"#, #"{"Id":"6","Address":"b"}"#]
        #expect(
            reading.contents == [
                "<MalformedRecord>", "<MalformedRecord>", good[0], good[1], "<InvalidEncoding>", "<UnterminatedQuote>",
            ])
        #expect(reading.records.map(\.line) == [2, 3, 5, 6, 7, 8])
        #expect(reading.faults.first?.message == "line 2: the row has 1 field, the header 2")
        #expect(reading.faults[1].message == "line 3: the row has 3 fields, the header 2")
        #expect(reading.faults[1].raw == Array("2,\"two\nlines\",3".utf8))
        #expect(reading.records.last?.next == Position(token: "in.csv", offset: UInt64(front.count), line: 7))
        for (record, fault) in zip(
            reading.records.filter { if case .fault = $0.content { true } else { false } }, reading.faults)
        {
            #expect(fault.message.hasPrefix("line \(record.line): "))
        }
    }

    /// Random rows as Python's csv writes them; what they must become is made there too.
    @Test(arguments: 0..<20 as Range<Int>) func agreesWithPython(_ seed: Int) async throws {
        let folder = try TemporaryFolder()
        let oracle = try python(
            """
            import csv, json, random, sys
            pick = random.Random(int(sys.argv[2]))
            header = ['Id', 'User.UserId', 'User.UserAttributes.a', 'User.UserAttributes.a', 'Attributes.b.c', 'Metrics.m',
                      'Demographic.Make', 'Attributes.b.c', 'Strange']
            pick.shuffle(header)
            pieces = ['', 'a', ' ', '"', ',', '\\n', '\\r\\n', '\\\\', 'ü', '😀', '\\t', '7', '{', "'", 'x' * 300]
            expected = []
            with open(sys.argv[1], 'w', newline='') as out:
                rows = csv.writer(out, lineterminator=pick.choice(['\\n', '\\r\\n']))
                rows.writerow(header)
                for _ in range(200):
                    row = [''.join(pick.choices(pieces, k=pick.randrange(4))) for _ in header]
                    rows.writerow(row)
                    document = {}
                    for name, text in zip(header, row):
                        if not text: continue
                        if name.startswith(('User.UserAttributes.', 'Attributes.')):
                            *path, last = ['User', 'UserAttributes', 'a'] if name[0] == 'U' else ['Attributes', 'b.c']
                        else: *path, last = name.split('.')
                        node = document
                        for part in path: node = node.setdefault(part, {})
                        if path and path[-1].endswith('Attributes'): node.setdefault(last, []).append(text)
                        elif name == 'Metrics.m' and text in ('7', '77', '777'): node[last] = int(text)
                        else: node[last] = text
                    expected.append(json.dumps(document, sort_keys=True))
            print(json.dumps(expected))
            """, [folder.file("in.csv"), String(seed)])
        let reading = try await ArchiveReading(folder.file("in.csv"), limit: 7)
        try folder.write("got", reading.contents.joined(separator: "\n").utf8)
        let normalised = try python(
            """
            import json, sys
            lines = open(sys.argv[1], newline='').read().split('\\n')
            print(json.dumps([json.dumps(json.loads(line), sort_keys=True) for line in lines]))
            """, [folder.file("got")])
        #expect(normalised == oracle, "seed \(seed)")
    }

    @Test func aCutOffImportFile() async throws {
        let folder = try TemporaryFolder()
        let text = "Id,Address\n" + (0..<50).map { "\($0),\"two\nlines\"\n" }.joined()
        let whole = try gzip([Array(text.utf8)], in: folder)
        var seen: Set<Int> = []
        for length in 0..<whole.count {
            let reading = try await ArchiveReading(folder.write("in.gz", whole[..<length]), written: "in.gz")
            #expect(reading.error == nil && reading.contents.last == "<DamagedFile>", "cut at \(length)")
            let rows = reading.records.count - 1
            #expect(
                reading.contents.dropLast() == (0..<rows).map { #"{"Id":"\#($0)","Address":"two\u000alines"}"# }[...])
            if rows > 0 { #expect(reading.records.last?.line == 2 * rows + 2) }
            seen.insert(rows)
        }
        #expect(seen.count > 2)
    }
}
