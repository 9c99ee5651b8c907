import FilePlugins
import Foundation
import PipelineCore
import PipelineTesting
import RunFolders
import Testing

@Suite("Rows as lines of JSON", .timeLimit(.minutes(5)))
struct RowTextTests {
    private static let table = TableDefinition(
        name: "values", role: .users,
        columns: [
            Column("text", .text), Column("integer", .integer), Column("real", .real), Column("json", .json),
            Column("list", .json, entries: .texts), Column("time \"ü\\", .time),
        ], key: ["text"])

    /// Writes rows through a whole run and gives the lines of the file.
    private func lines(_ rows: [[RowView.Value]]) async throws -> String {
        let reader = try OutputReader()
        var buffers = SinkRows([Self.table])
        for row in rows { buffers.append(row, to: 0) }
        let session = try await reader.sink().open(SinkContext(pipeline: "p", tables: [Self.table]))
        let run = RunRecord(
            runID: "p-1", state: .running, logicalDate: SinkFixture.logicalDate, startedAt: SinkFixture.logicalDate,
            version: "1")
        _ = try await session.begin(run, fingerprint: "f")
        _ = try await session.prepare(
            Batch(commitNumber: 1, tables: buffers.buffers, counts: RunCounts(), progress: .start))
        try await session.commit()
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        try await session.commit()
        await session.close()
        let text = try PythonProcess.shared.run(
            "import gzip; result = gzip.open(arguments[0]).read().decode()",
            [reader.path + "/runs/p-1/values/00000.ndjson.gz"])
        return try #require(text.text)
    }

    @Test("Every key stands in every row; JSON is text unless its form is fixed")
    func shape() async throws {
        let text = try await lines([
            [
                .text("a\"b\\c\u{0}d\u{1F}\n\r\t\u{7F}\u{2028}é\u{1F600}"), .integer(-5), .number(0.1),
                .json(#"{"a":[1],"é\"":"\n"}"#), .json(#"[{"a":1}]"#), .null,
            ],
            [.null, .null, .null, .null, .null, .time("2026-01-02T03:04:05.678Z")],
            [.text(""), .integer(0), .number(6), .json("[1,\n2]"), .json("[1,\n2]"), .null],
        ])
        #expect(
            text == """
                {"text":"a\\"b\\\\c\\u0000d\\u001f\\n\\r\\t\u{7F}\u{2028}é\u{1F600}","integer":-5,"real":0.1,"json":"{\\"a\\":[1],\\"é\\\\\\"\\":\\"\\\\n\\"}","list":[{"a":1}],"time \\"ü\\\\":null}
                {"text":null,"integer":null,"real":null,"json":null,"list":null,"time \\"ü\\\\":"2026-01-02T03:04:05.678Z"}
                {"text":"","integer":0,"real":6.0,"json":"[1,\\n2]","list":[1, 2],"time \\"ü\\\\":null}

                """)
    }

    @Test("Random texts come back, wherever a character to be escaped stands", arguments: 0..<3)
    func texts(_ round: Int) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("abcdefgh\"\\\u{1}\u{1F}\n\u{20}!#[]\u{7F}\u{80}éß\u{FFFF}\u{1F600}".unicodeScalars)
        let texts = (0..<3000).map { _ in
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let plain = Int.random(in: 0..<4, using: &random) > 0
                text.append(plain ? "x" : alphabet.randomElement(using: &random) ?? "x")
            }
            return String(text)
        }
        let written = try await lines(texts.map { [.text($0), .null, .null, .null, .null, .null] })
        let read = try PythonProcess.shared.run(
            "import json; result = [json.loads(line)['text'] for line in arguments[0].split('\\n')[:-1]]", [written])
        #expect(read.elements.compactMap(\.text) == texts)
    }

    @Test("Numbers come back as Python reads them")
    func numbers() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var integers: [Int64] = [0, 1, -1, 9, 10, 99, 100, -10, .max, .min, .max - 1, 1_000_000_000_000_000_000]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            integers += [power, power - 1, power + 1, -power, 1 - power]
        }
        var reals: [Double] = [
            0, -0.0, 1, -1, 0.1, 6, 9_007_199_254_740_991, 9_007_199_254_740_992, -9_007_199_254_740_992, 1e15, 1e16,
            1e17, 1e22, 1e23, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.leastNormalMagnitude, 123456.789,
        ]
        while reals.count < 5000 {
            let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
            if value.isFinite { reals.append(value) }
        }
        let rows = reals.indices.map { index in
            [.null, .integer(integers[index % integers.count]), .number(reals[index]), .null, .null, .null]
                as [RowView.Value]
        }
        let written = try await lines(rows)
        let read = try PythonProcess.shared.run(
            """
            import json, struct
            rows = [json.loads(line) for line in arguments[0].split("\\n")[:-1]]
            assert all(type(row["integer"]) is int and type(row["real"]) is float for row in rows)
            result = [[str(row["integer"]), str(struct.unpack("<Q", struct.pack("<d", row["real"]))[0])] for row in rows]
            """, [written])
        #expect(
            read.elements.map { $0.elements.compactMap(\.text) }
                == rows.indices.map { [String(integers[$0 % integers.count]), String(reals[$0].bitPattern)] })
    }
}
