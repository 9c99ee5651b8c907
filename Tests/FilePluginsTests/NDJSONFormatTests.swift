import FilePlugins
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct NDJSONFormatTests {
    @Test func judgesEachLine() async throws {
        let lines: [(text: String, content: String?)] = [
            (#"{"User":{"UserId":"a"}}"#, "a"),
            (" ", nil),
            ("", nil),
            (#" {"x":[1,{}],"User":{"y":null,"UserId":"b\u00e9\ud83d\ude00"}} "#, "b\u{e9}\u{1F600}"),
            (#"{"User":{"UserId":12345678901234567}}"#, "12345678901234567"),
            (#"{"User":{"UserId":1.5}}"#, "<InvalidUserId>"),
            (#"{"User":{"UserId":true}}"#, "<InvalidUserId>"),
            (#"{"User":{"UserId":["a"]}}"#, "<InvalidUserId>"),
            (#"{"User":{"UserId":{}}}"#, "<InvalidUserId>"),
            (#"{"User":{"UserId":".."}}"#, ".."),
            (#"{"User":{"UserId":""}}"#, "<EmptyUserId>"),
            (#"{"User":{"UserId":null}}"#, "<MissingField>"),
            (#"{"User":{"userid":"a"}}"#, "<MissingField>"),
            (#"{"User":"a"}"#, "<MissingField>"),
            (#"[1]"#, "<MissingField>"),
            (#"{"User":{"UserId":"\ud800"}}"#, "<InvalidEncoding>"),
            (#"{"User":{"UserId":"a"}"#, "<InvalidJSON>"),
            (#"{"User":{"UserId":"a"}} x"#, "<InvalidJSON>"),
            (#"{"User":{"UserId":"first"},"User":{"UserId":"last"}}"#, "last"),
            (#"{"User":{"UserId":" c "}}"#, " c "),
        ]
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.ndjson", lines.map { $0.text + "\r\n" }.joined().utf8)
        let reader = try makeReader(path, column: ["User", "UserId"])
        let reading = try await Reading(reader)
        #expect(reading.contents == lines.compactMap(\.content))
        #expect(reading.lines == lines.indices.filter { lines[$0].content != nil }.map { $0 + 1 })
        #expect(reading.faults.allSatisfy { $0.message.hasPrefix("line ") && !$0.raw.isEmpty })
        try await expectResumption(reader, reading.records)
    }

    /// Documents on lines of every kind, from files that were joined; a mark within a text belongs to it.
    @Test func readsLinesOfJoinedFiles() async throws {
        let folder = try TemporaryFolder()
        let text =
            "\u{FEFF}{\"id\":\"a\"}\r\r{\"id\":\"b\"}\u{1A}\r\n\u{FEFF}{\"id\":\"c\u{FEFF}\"}\n{\"id\":\"d\"}\u{FEFF}{\"id\":\"e\"}\r"
        let reader = try makeReader(folder.write("ids.ndjson", text.utf8), column: ["id"])
        let reading = try await Reading(reader)
        #expect(reading.contents == ["a", "b", "c\u{FEFF}", "<InvalidJSON>"])
        #expect(reading.lines == [1, 3, 4, 5])
        try await expectResumption(reader, reading.records)
    }

    /// IDs that Python put into documents, escaped or not.
    @Test(arguments: 1..<6)
    func agreesWithPython(_ seed: Int) async throws {
        let folder = try TemporaryFolder()
        let expected = try python(
            """
            import gzip, json, random, sys
            random.seed(int(sys.argv[1]))
            letters = 'ab "\\\\\\'/\\t\\0,é日👩\\u2028'
            with gzip.open(sys.argv[2], 'wb') as out:
                for number in range(300):
                    id = 'x' + ''.join(random.choice(letters) for _ in range(random.randint(0, 40)))
                    document = {'other': [number, None, {'a.b': 'no'}], 'o': {'a.b': id, 'c': random.random()}}
                    text = json.dumps(document, ensure_ascii=random.random() < 0.5)
                    out.write(text.encode() + random.choice([b'\\n', b'\\r\\n', b'\\n\\n']))
                    print(id.encode().hex())
            """, [String(seed), folder.file("ids.jsonl.gz")])
        let reading = try await Reading(makeReader(folder.file("ids.jsonl.gz"), column: ["o", "a.b"]))
        let text = reading.records.map { hex($0.hashedBytes) + "\n" }.joined()
        #expect(text == String(decoding: expected, as: UTF8.self), "seed \(seed)")
        #expect(reading.faults.isEmpty)
    }

    @Test(arguments: [1_048_575, 1_048_576, 1_048_577, 3_000_000])
    func boundsLines(_ length: Int) async throws {
        let folder = try TemporaryFolder()
        let front = #"{"id":"a","x":""#
        let long = front + String(repeating: "x", count: length - front.utf8.count - 2) + "\"}"
        let path = try folder.write("ids.ndjson", "{\"id\":\"1\"}\n\(long)\r\n{\"id\":\"2\"}".utf8)
        let reading = try await Reading(makeReader(path, column: ["id"]))
        #expect(reading.contents == ["1", length > 1_048_576 ? "<InvalidUserId>" : "a", "2"])
    }
}
