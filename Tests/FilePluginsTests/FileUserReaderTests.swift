import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FileUserReaderTests {
    @Test(arguments: [
        ("missing.txt", "No such file or directory"), ("folder", "Is a directory"), ("pipe", "not a regular file"),
        ("utf16.txt", "UTF-16"), ("sheet.csv", "spreadsheet"),
        ("ids.zst", "is cut off: the file ends in the middle of its zstd"),
        ("half.txt.zst", "no complete zstd file"), ("empty.txt.zst", "no complete zstd file"),
        ("empty.txt.gz", "no complete gzip file"), ("half.txt.gz", "no complete gzip file"), ("loop", "symbolic links"),
        ("ids.txt/x", "Not a directory"),
    ])
    func saysWhyAFileCannotBeRead(_ name: String, _ words: String) async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.file("folder"), withIntermediateDirectories: false)
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        #expect(symlink(folder.file("loop"), folder.file("loop")) == 0)
        try folder.write("utf16.txt", [0xFF, 0xFE, 0x61, 0x00, 0x0A, 0x00])
        try folder.write("sheet.csv", [0x50, 0x4B, 0x03, 0x04, 0x14])
        try folder.write("ids.zst", [0x28, 0xB5, 0x2F, 0xFD, 0x04])
        try folder.write("empty.txt.gz", [])
        try folder.write("half.txt.gz", [0x1F])
        try folder.write("empty.txt.zst", [])
        try folder.write("half.txt.zst", [0x28, 0xB5, 0x2F])
        try folder.write("ids.txt", [])
        let reader = try makeReader(folder.file(name), format: "lines")
        let reading = try await Reading(reader)
        let error = try #require(reading.error)
        #expect(error.kind == .noInput)
        #expect(error.message.hasPrefix(folder.file(name) + " "))
        #expect(error.message.contains(words))
        #expect(reader.sourceFile == folder.file(name))
    }

    struct Options: Sendable, CustomTestStringConvertible {
        var path: String
        var format: String?
        var column: [String]?
        var header: Bool?
        var separator: String?
        /// The key at fault and words of the message; nil where the options are good.
        var key: String?
        var words = ""
        var testDescription: String { "\(path) \(format ?? "-") \(column ?? [])" }
    }

    static let options = [
        Options(path: "a.txt"), Options(path: "A.TXT.GZ"), Options(path: "A.TXT.Zst"),
        Options(path: "a.b", format: "lines"),
        Options(path: "a.csv", column: ["id"]), Options(path: "a.csv.gz", column: ["1"], header: false),
        Options(path: "a.csv", column: ["id"], separator: "tab"),
        Options(path: "a.ndjson", column: ["User", "UserId"]), Options(path: "a.jsonl.gz", column: ["id"]),
        Options(path: "a.ndjson.zst", column: ["id"]), Options(path: "a.csv.zst", column: ["id"]),
        Options(path: "a.csv.zst", key: "column", words: "say which column"),
        Options(path: "a.jsonl", format: "lines"), Options(path: "./-", format: "lines"),
        Options(path: "-", format: "lines"),
        Options(path: "-", key: "format", words: "can't be told from the name '-'"),
        Options(path: "a.txt", separator: "whitespace"), Options(path: "a.txt", header: true),
        Options(path: "a.txt", separator: ";", key: "separator", words: "';' is not for the format lines"),
        Options(path: "a.ndjson", column: ["id"], separator: ",", key: "separator", words: "not for the format ndjson"),
        Options(path: "a.csv", column: ["id"], separator: "whitespace", key: "separator", words: "is for lines"),
        Options(path: "a.dat", key: "format", words: "can't be told from the name 'a.dat'"),
        Options(path: "a.csv", key: "column", words: "say which column"),
        Options(path: "a.csv", column: ["id"], header: false, key: "column", words: "a number from 1, not 'id'"),
        Options(
            path: "a.csv", column: ["0"], header: false, key: "column",
            words: "there is no column 0: they are counted from 1"),
        Options(path: "a.txt", column: ["id"], key: "column", words: "a file of lines has no columns"),
        Options(path: "a.ndjson", key: "column", words: "a path of member names"),
        Options(path: "a.ndjson", column: ["*", "id"], key: "column", words: "'*'"),
    ]

    @Test(arguments: options)
    func judgesItsOptions(_ options: Options) throws {
        do {
            _ = try makeReader(
                options.path, format: options.format, column: options.column, header: options.header,
                separator: options.separator)
            #expect(options.key == nil)
        } catch let error as OptionError {
            #expect(error.path == [options.key])
            #expect(error.message.contains(options.words))
        }
    }

    @Test func describesItsOptions() {
        #expect(
            FileUserReader.schema.fields.map(\.key) == ["path", "format", "column", "header", "separator", "distinct"])
        #expect(FileUserReader.schema.fields.allSatisfy { !$0.shapesOutput })
        var registry = PluginRegistry()
        registry.register(FileUserReader.self)
        #expect(registry.typeNames(.userReader) == ["file"])
    }

    /// Repeats are dropped byte by byte; every position gives the rest.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func dropsRepeats(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let pool = ["e\u{301}", "\u{e9}", ".", "a", "A", " a"] + (0..<60).map { "id-\($0)" }
        let ids = (0..<80).compactMap { _ in pool.randomElement(using: &random) }
        let path = try folder.write("ids.txt", ids.map { $0 + "\n" }.joined().utf8)
        let reader = try makeReader(path, distinct: true)
        let reading = try await Reading(reader)
        var seen: Set<[UInt8]> = []
        let expected = ids.filter { seen.insert(Array($0.utf8)).inserted }
        #expect(reading.records.map(\.hashedBytes) == expected.map { Array($0.utf8) }, "seed \(seed)")
        try await expectResumption(reader, reading.records)
    }

    @Test func remembersManyIDs() async throws {
        let folder = try TemporaryFolder()
        let ids = (0..<50_000).map { "user-\($0 % 20_000)-\($0 % 7)" }
        let path = try folder.write("ids.txt", ids.map { $0 + "\n" }.joined().utf8)
        var seen: Set<String> = []
        let expected = ids.filter { seen.insert($0).inserted }
        #expect(try await Reading(makeReader(path, distinct: true)).contents == expected)
    }

    /// However many are asked for, one call doesn't gather long IDs without bound.
    @Test func boundsWhatOneCallHolds() async throws {
        let folder = try TemporaryFolder()
        let line = [UInt8](repeating: 0x78, count: 60_000) + [0x0A]
        let path = try folder.write("ids.txt", (0..<200).flatMap { _ in line })
        let cursor = try await makeReader(path).open(at: .start)
        let first = try await cursor.next(limit: 1_000_000)
        #expect((1...20).contains(first.count))
        await cursor.close()
        #expect(try await Reading(makeReader(path)).records.count == 200)
    }

    @Test func stopsWhereTheTaskIsCancelled() async throws {
        let folder = try TemporaryFolder()
        let text = [UInt8](repeating: 0x0A, count: 2_000_000)
        let reader = try makeReader(folder.write("ids.txt.gz", gzip([text], in: folder)))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await reader.open(at: Position(offset: 1_999_999, line: 1_999_999))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
