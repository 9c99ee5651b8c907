import FilePlugins
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LineFormatTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var input: String
        var contents: [String]
        var lines: [Int]
        var testDescription: String { input.debugDescription }
    }

    static let cases = [
        Case(input: "", contents: [], lines: []),
        Case(input: "\n\r\n\n", contents: [], lines: []),
        Case(input: "a", contents: ["a"], lines: [1]),
        Case(input: "a\nb\n", contents: ["a", "b"], lines: [1, 2]),
        Case(input: "a\r\n\r\nb", contents: ["a", "b"], lines: [1, 3]),
        Case(input: "\u{FEFF}a\n\u{FEFF}b\n", contents: ["a", "b"], lines: [1, 2]),
        Case(input: "\u{FEFF}", contents: [], lines: []),
        Case(input: "\u{FEFF}\n\na", contents: ["a"], lines: [3]),
        Case(input: " \n\t\n a \n", contents: [" ", "\t", " a "], lines: [1, 2, 3]),
        Case(input: "a\rb\n\r\r\nc", contents: ["a", "b", "c"], lines: [1, 2, 5]),
        Case(input: "a\r\rb\r\nc\r", contents: ["a", "b", "c"], lines: [1, 3, 4]),
        // Files that were joined: with marks before and behind them, with an end of their last line and without.
        Case(input: "a\n\u{1A}\u{FEFF}\u{FEFF}b\r\n\u{1A}", contents: ["a", "b"], lines: [1, 2]),
        Case(input: "a\u{1A}\rb\u{FEFF}\n\u{1A}\n", contents: ["a", "b"], lines: [1, 2]),
        Case(
            input: "a\u{FEFF}b\na\u{1A}b\nc", contents: ["<InvalidUserId>", "<InvalidUserId>", "c"], lines: [1, 2, 3]),
        Case(input: "a\r", contents: ["a"], lines: [1]),
        Case(input: "\r", contents: [], lines: []),
        Case(input: "a\u{0}b\n\u{0}\n", contents: ["a\u{0}b", "\u{0}"], lines: [1, 2]),
        Case(
            input: ".\n..\n...\n.a\n", contents: [".", "..", "...", ".a"],
            lines: [1, 2, 3, 4]),
        Case(input: "\"a\",b\n#x\n", contents: ["\"a\",b", "#x"], lines: [1, 2]),
    ]

    @Test(arguments: cases)
    func cutsLines(_ example: Case) async throws {
        let folder = try TemporaryFolder()
        let reading = try await Reading(makeReader(folder.write("ids.txt", example.input.utf8)))
        #expect(reading.contents == example.contents)
        #expect(reading.lines == example.lines)
        #expect(reading.error == nil)
    }

    @Test func keepsTheBytesOfWhatIsNotUTF8() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            "ids.txt", [0x61, 0x0A, 0xFF, 0x62, 0x0D, 0x0A, 0xED, 0xA0, 0x80, 0x0A, 0xC0, 0x80, 0x0A, 0x63])
        let reading = try await Reading(makeReader(path))
        let code = "<InvalidEncoding>"
        #expect(reading.contents == ["a", code, code, code, "c"])
        #expect(reading.faults.map(\.raw) == [[0xFF, 0x62], [0xED, 0xA0, 0x80], [0xC0, 0x80]])
        #expect(reading.faults[0].message.hasPrefix("line 2: "))
    }

    /// Around the bound of an ID, with and without CR, and wherever the line stands in the reader's buffer.
    @Test(arguments: [65_535, 65_536, 65_537, 65_538, 262_144, 600_000])
    func boundsLines(_ length: Int) async throws {
        let folder = try TemporaryFolder()
        let long = [UInt8](repeating: 0x78, count: length)
        for lead in [0, 1, 70_000, 262_140 - 65_536, 262_144 - 65_537, 262_143] {
            for ending in ["\n", "\r\n", ""] {
                let front = lead == 0 ? [] : [UInt8](repeating: 0x79, count: min(lead - 1, 60_000)) + [0x0A]
                let fillerLines = [UInt8](repeating: 0x77, count: 9_999) + [0x0A]
                let missing = max(0, lead - front.count)
                let filler =
                    [UInt8](repeating: 0x0A, count: missing % 10_000)
                    + (0..<missing / 10_000).flatMap { _ in fillerLines }
                let tail = ending.isEmpty ? "" : "z"
                let path = try folder.write(
                    "ids.txt", front + filler + long + Array(ending.utf8) + Array(tail.utf8))
                let reading = try await Reading(makeReader(path))
                let expected = length > 65_536 ? "<InvalidUserId>" : String(decoding: long, as: UTF8.self)
                let contents = reading.contents.filter { !$0.hasPrefix("w") && !$0.hasPrefix("y") }
                // Compared outside the macro, which would print them.
                let isRight = contents == (ending.isEmpty ? [expected] : [expected, "z"])
                #expect(isRight, "\(length) bytes behind \(lead)")
                if length > 65_536 { #expect(reading.faults.map(\.raw) == [Array(long.prefix(65_536))]) }
            }
        }
    }

    /// Random bytes against Python's `split`, plain and gzip; and from every position the rest.
    @Test func agreesWithAModel() async throws {
        let folder = try TemporaryFolder()
        let alphabet: [[UInt8]] = [
            [0x0A], [0x0A], [0x0D], [0x0D, 0x0A], [0x61], [0x20], [0xC3, 0xA9], [0xFF], [0x2E], [0x1A],
            [0xEF, 0xBB, 0xBF], [0xEF], [0xBF],
        ]
        let seeds = 0..<60 as Range<UInt64>
        for seed in seeds {
            var random = SeededGenerator(seed: seed)
            let input = (0..<Int.random(in: 0...120, using: &random)).flatMap { _ in
                alphabet.randomElement(using: &random) ?? []
            }
            try folder.write("\(seed).txt", input)
        }
        let oracle = try python(
            """
            import gzip, re, sys
            mark = rb'(?:\\xef\\xbb\\xbf|\\x1a)*'
            for name in sys.argv[1:]:
                data, out = open(name, 'rb').read(), []
                open(name + '.gz', 'wb').write(gzip.compress(data))
                for number, line in enumerate(re.split(rb'\\r\\n|\\r|\\n', data), 1):
                    line = re.fullmatch(mark + rb'(.*?)' + mark, line, re.DOTALL).group(1)
                    if line: out.append(f'{number} {line.hex()}')
                print(' '.join(out))
            """, seeds.map { folder.file("\($0).txt") })
        let expected = String(decoding: oracle, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for seed in seeds {
            for ending in ["txt", "txt.gz"] {
                let reader = try makeReader(folder.file("\(seed).\(ending)"))
                let reading = try await Reading(reader)
                let text = reading.records.map { "\($0.line) \(hex($0.hashedBytes))" }.joined(separator: " ")
                #expect(text == expected[Int(seed)], "seed \(seed)")
                if seed < 20 { try await expectResumption(reader, reading.records) }
            }
        }
    }

    @Test func numbersLinesWhereTheFileHasGrown() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.txt", "a\nb".utf8)
        let last = try #require(try await Reading(makeReader(path)).records.last)
        try folder.write("ids.txt", "a\nb\nc\n".utf8)
        let rest = try await Reading(makeReader(path), from: last.next)
        #expect(rest.contents == ["c"])
        #expect(rest.lines == [3])
    }

    @Test func saysWhereTheFileHasShrunk() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("ids.txt", "a\nb\n".utf8)
        let last = try #require(try await Reading(makeReader(path)).records.last)
        for (name, bytes) in [
            ("ids.txt", Array("a\n".utf8)), ("ids.txt.gz", try gzip([Array("a\n".utf8)], in: folder)),
        ] {
            let reading = try await Reading(makeReader(folder.write(name, bytes)), from: last.next)
            #expect(reading.error?.kind == .noInput)
            #expect(reading.error?.message.contains("has changed since") == true)
        }
    }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// From every position that was yielded, and with every small limit, reading gives the rest.
func expectResumption(_ reader: FileUserReader, _ records: [InputRecord]) async throws {
    for (index, record) in records.enumerated() {
        let rest = try await Reading(reader, from: record.next, limit: 1 + index % 3)
        #expect(rest.error == nil)
        #expect(rest.records.map(\.content) == records.dropFirst(index + 1).map(\.content))
        #expect(rest.records.map(\.next) == records.dropFirst(index + 1).map(\.next))
        #expect(rest.lines == records.dropFirst(index + 1).map(\.line))
    }
}
