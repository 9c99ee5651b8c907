import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ArchiveContentTests {
    @Test(
        arguments: [
            ("{}\n{}\n", ["{}:1", "{}:2"]), ("{}\r\n\r\n \t\r\n{ }\r\n", ["{}:1", "{ }:4"]), ("{}", ["{}:1"]),
            ("\u{FEFF}{}\n", ["{}:1"]), ("\n\n  {\"a\":1} \n", ["  {\"a\":1} :3"]), ("", []), ("\n \r\n", []),
            ("\u{FEFF}", []), ("{\nnot\n", ["<MalformedRecord>:1"]), ("{}\r\r\n", ["{}:1"]),
            // A lone CR ends a line; marks where files were joined are no part of one.
            ("{}\r{ }\r\r{}", ["{}:1", "{ }:2", "{}:4"]), ("{}\r{ }\n{}\r\n", ["{}:1", "{ }:2", "{}:3"]),
            ("{}\n\u{FEFF}{ }\r\n\u{1A}\u{FEFF}{}\u{1A}\n\u{1A}", ["{}:1", "{ }:2", "{}:3"]),
            ("{\"a\":\n", ["<MalformedRecord>:1"]), ("{\"a\":\"x\n{}\n", ["{\"a\":\"x:1", "{}:2"]),
            ("{\"a\":1\n{}\n{}\n", ["{\"a\":1:1", "{}:2", "{}:3"]),
        ] as [(String, [String])])
    func cutsLines(_ text: String, _ expected: [String]) async throws {
        let folder = try TemporaryFolder()
        for packed in [false, true] {
            let bytes = packed ? try gzip([Array(text.utf8)], in: folder) : Array(text.utf8)
            let reading = try await ArchiveReading(folder.write("in", bytes), limit: 1)
            #expect(reading.error == nil && reading.warnings.isEmpty)
            #expect(zip(reading.contents, reading.records).map { "\($0):\($1.line)" } == expected)
        }
    }

    static let strangers: [(bytes: [UInt8], words: String, isJunk: Bool)] = [
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13], "a PNG image", true),
        (Array("%PDF-1.7".utf8), "a PDF file", true), (Array("<svg></svg>".utf8), "an SVG image", true),
        (Array("PAR1\u{15}\u{4}".utf8), "a Parquet file", false),
        ([0x7B, 0x00, 0x7D, 0x00], "binary data, or text that isn't UTF-8", false),
        (Array("PK\u{3}\u{4}xyz".utf8), "a zip file or a spreadsheet: unzip it", false),
        ([0x04, 0x22, 0x4D, 0x18, 1], "an lz4 file: unpack it with unlz4", false),
        (Array("hello\nworld{}\n".utf8), "text that begins with neither", false),
        (Array("user_id\nu1\n".utf8), "text that begins with neither", false),
        (Array("[2026] begins\nends\n".utf8), "text that begins with neither", false),
        (Array("<html>".utf8), "an HTML or XML page", false), ([0x1F], "text that begins with neither", false),
    ]

    /// Beside an archive junk is left out with a warning and counted, and anything else is a failure; named itself, it is
    /// an error.
    @Test(arguments: strangers.indices) func whatIsSomethingElse(_ index: Int) async throws {
        let (bytes, words, isJunk) = Self.strangers[index]
        for packed in [false, true] {
            let folder = try TemporaryFolder()
            try folder.makeFolder("in")
            try folder.write("in/a", packed ? gzip([bytes], in: folder) : bytes)
            for written in ["in", "in/*"] {
                let alone = try await ArchiveReading(folder.file(written), written: written)
                #expect(alone.error?.message == "no file of \(written) is an archive")
            }
            try folder.write("in/b", "{}\n".utf8)
            for written in ["in", "in/*"] {
                let reading = try await ArchiveReading(folder.file(written), written: written)
                #expect(reading.contents == (isJunk ? ["{}"] : ["<UnreadableFile>", "{}"]) && reading.error == nil)
                #expect(reading.files == ArchiveFileCounts(read: 1, leftOut: isJunk ? 1 : 0))
                #expect(reading.warnings.count == 1)
                let verb = isJunk ? "is left out" : "can't be read"
                #expect(reading.warnings.first?.hasPrefix("in/a \(verb): it is \(words)") == true)
                #expect(isJunk || reading.faults.first?.message.hasPrefix("in/a can't be read: it is \(words)") == true)
            }
            let named = try await ArchiveReading(folder.file("in/a"), written: "in/a")
            #expect(named.error?.kind == .noInput)
            #expect(named.error?.message.hasPrefix("in/a is \(words)") == true)
        }
    }

    /// Empty files, marks of other programs and hidden names are counted and cost nothing.
    @Test func whatIsLeftOutIsCounted() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("in/deep")
        for name in ["in/empty", "in/_SUCCESS", "in/deep/x.crc", "in/.hidden"] { try folder.write(name, []) }
        let empty = try await ArchiveReading(folder.file("in"), written: "in")
        #expect(empty.error == nil && empty.records.isEmpty)
        try folder.write("in/b", "{}\n".utf8)
        let reading = try await ArchiveReading(folder.file("in"), written: "in")
        #expect(reading.contents == ["{}"] && reading.files == ArchiveFileCounts(read: 1, leftOut: 4))
    }

    /// What `split` leaves at the start of a file, or a program has logged there, fails by itself; the rest is read.
    @Test(arguments: [
        "dress\":\"x\"}", "2026-11-01 export begins", "null", ",{}", "\u{1E}{}", "{\"a\":\"\u{0}\"}", "{\"a\":\"cut",
    ])
    func aFirstLineThatIsWrong(_ line: String) async throws {
        let folder = try TemporaryFolder()
        for packed in [false, true] {
            let bytes = Array("\(line)\n".utf8) + Array(repeating: Array("{\"Id\":\"x\"}\n".utf8), count: 30).joined()
            let reading = try await ArchiveReading(
                folder.write("in", packed ? gzip([bytes], in: folder) : bytes), limit: 1)
            #expect(reading.error == nil && reading.warnings.isEmpty)
            #expect(reading.records.count == 31)
        }
    }

    @Test func oneCompressedFileInsideAnother() async throws {
        let folder = try TemporaryFolder()
        let text = Array("{}\n".utf8)
        for (bytes, words) in [
            (try gzip([gzip([text], in: folder)], in: folder), "a gzip file inside a gzip file"),
            (try gzip([zstd([text], in: folder)], in: folder), "a zstd file inside a gzip file"),
            (try zstd([gzip([text], in: folder)], in: folder), "a gzip file inside a zstd file"),
            (try zstd([zstd([text], in: folder)], in: folder), "a zstd file inside a zstd file"),
        ] {
            let reading = try await ArchiveReading(folder.write("in", bytes), written: "in")
            #expect(reading.error?.message == "in is \(words): unpack it once")
        }
    }

    /// A line at its bound is a document, one beyond it a fault; reading goes on.
    @Test func boundsLines() async throws {
        let folder = try TemporaryFolder()
        let bound = 8 << 20
        func line(_ count: Int) -> String { "{\"a\":\"" + String(repeating: "x", count: count - 8) + "\"}" }
        let text = [line(bound), line(bound + 1), line(3 * bound), "{}"].joined(separator: "\r\n")
        let reading = try await ArchiveReading(folder.write("in", text.utf8), limit: 10)
        #expect(reading.records.map(\.line) == [1, 2, 3, 4])
        #expect(reading.contents[0].utf8.count == bound)
        #expect(reading.contents[1...] == ["<MalformedRecord>", "<MalformedRecord>", "{}"])
        #expect(reading.faults.map(\.message) == [2, 3].map { "line \($0): the line is longer than 8 MiB" })
        #expect(reading.faults.allSatisfy { $0.raw.count == InputFault.rawLimit })
        let last = try await ArchiveReading(folder.write("in", line(2 * bound).utf8))
        #expect(last.contents == ["<MalformedRecord>"])
    }

    /// A call yields no more than about 1 MiB of documents.
    @Test func boundsWhatACallYields() async throws {
        let folder = try TemporaryFolder()
        let line = "{\"a\":\"" + String(repeating: "x", count: 99_990) + "\"}\n"
        let path = try folder.write("in", String(repeating: line, count: 100).utf8)
        let reader = ArchiveFileReader(path: PathOption(written: path, resolved: path)) { _ in }
        let cursor = try await reader.open()
        var counts: [Int] = []
        while case let next = try await cursor.next(limit: 1000), !next.isEmpty {
            counts.append(next.count { if case .record = $0 { true } else { false } })
        }
        await cursor.close()
        #expect(counts.reduce(0, +) == 100)
        #expect(counts.allSatisfy { (0...11).contains($0) } && counts.count { $0 == 0 } <= 1)
    }

    // MARK: - Files that change

    /// The first file is read for long, and more follow it than are read ahead before the last one's turn comes.
    private func sixFiles() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.makeFolder("in")
        let padding = String(repeating: "x", count: 50_000)
        try folder.write("in/a", (0..<200).flatMap { "{\"Id\":\"\($0)\",\"padding\":\"\(padding)\"}\n".utf8 })
        for name in ["in/a1", "in/a2", "in/a3", "in/a4", "in/b"] { try folder.write(name, "{}\n".utf8) }
        return folder
    }

    @Test(arguments: ["in/a", "in/b"]) func stopsAtAReplacedFile(_ name: String) async throws {
        let folder = try sixFiles()
        let reading = try await ArchiveReading(folder.file("in"), written: "in", limit: 10) { call in
            guard call == 3 else { return }
            try folder.write("new", folder.read(name))
            #expect(rename(folder.file("new"), folder.file(name)) == 0)
        }
        #expect(reading.records.count == (name == "in/a" ? 200 : 204))
        #expect(
            reading.error
                == PipelineError(
                    .noInput, "\(name) was replaced while it was read", hint: reading.error?.hint))
    }

    @Test(arguments: ["in/a", "in/b"]) func stopsAtAFileThatShrankOrWent(_ name: String) async throws {
        for remove in [false, true] {
            let folder = try sixFiles()
            let reading = try await ArchiveReading(folder.file("in"), written: "in", limit: 10) { call in
                guard call == 3 else { return }
                let done = remove ? unlink(folder.file(name)) : truncate(folder.file(name), 1)
                #expect(done == 0)
            }
            #expect(reading.error?.kind == .noInput && reading.error?.message.hasPrefix(name) == true)
            #expect(reading.faults.isEmpty && reading.records.allSatisfy { $0.file != "in/b" })
            #expect(reading.records.contains { $0.file == "in/a4" } == (name == "in/b"))
        }
    }

    @Test func aFileMayGrow() async throws {
        let folder = try sixFiles()
        let reading = try await ArchiveReading(folder.file("in"), written: "in", limit: 10) { call in
            guard call == 3 else { return }
            let handle = try #require(FileHandle(forWritingAtPath: folder.file("in/b")))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("{ }\n".utf8))
            try handle.close()
        }
        #expect(reading.error == nil && reading.contents.suffix(2) == ["{}", "{ }"])
    }

    // MARK: - The plugin

    private struct NamedDecoder: RecordDecoder {
        let applicationID: String?
        func decode(_ document: [UInt8]) -> Outcome { .absent }
    }

    @Test(arguments: [("newest", ConflictPolicy.newest), ("last", .last)])
    func theSourceIsMadeOfItsOptions(_ text: String, _ conflict: ConflictPolicy) throws {
        let factory = ArchiveSource.factory { NamedDecoder(applicationID: $0) }
        #expect(factory.kind == .source && factory.typeName == "archive")
        #expect(factory.schema.fields.filter(\.shapesOutput).map(\.key) == ["application_id", "conflict"])
        let context = PluginContext(
            pipeline: "p", name: "archive", stateDirectory: "/nonexistent", environment: [:], version: "0"
        ) { _ in }
        for application in [nil, "app"] {
            var options: [String: OptionValue] = [
                "path": .path(PathOption(written: "in", resolved: "/in")), "conflict": .text(text),
            ]
            if let application { options["application_id"] = .text(application) }
            let plan = try #require(try factory.make(Options(options), context) as? SourcePlan)
            guard case .archive(_, let decoder, let made) = plan else {
                Issue.record("not an archive")
                return
            }
            #expect(decoder.applicationID == application && made == conflict)
        }
        #expect(throws: OptionError.self) { try ArchiveSource.make(Options([:]), context) }
    }
}
