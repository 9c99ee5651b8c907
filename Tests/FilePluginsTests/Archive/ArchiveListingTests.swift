import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ArchiveListingTests {
    /// Makes files that hold their own name.
    private func folder(_ names: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in names {
            if let slash = name.lastIndex(of: "/") { try folder.makeFolder(String(name[..<slash])) }
            try folder.write(name, "{\"Id\":\"\(name)\"}\n".utf8)
        }
        return folder
    }

    /// The files as they are shown, in the order in which they are read.
    private func files(_ folder: TemporaryFolder, _ written: String) async throws -> [String] {
        let reading = try await ArchiveReading(folder.file(written), written: written)
        if let error = reading.error { return ["\(error.kind)"] }
        for (record, content) in zip(reading.records, reading.contents) {
            #expect(content == "{\"Id\":\"\(record.file)\"}")
        }
        return reading.records.map(\.file)
    }

    static let tree = [
        "x/b.gz", "x/a/2", "x/a/10", "x/a.txt", "x/B", "x/ä", "x/a!", "x/.hidden", "x/.git/y", "x/a/b/c/deep", "y/1",
        "z[1]", "z1", "x/a/b/..a",
    ]

    /// Byte order of relative names, in which '/' is a byte like any other.
    @Test func readsAFolderInByteOrder() async throws {
        let folder = try folder(Self.tree)
        let expected = Self.tree.filter { $0.hasPrefix("x/") && !$0.contains("/.") }
            .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(try await files(folder, "x") == expected)
        #expect(expected.first == "x/B" && expected.last == "x/ä")
        let tokens = try await ArchiveReading(folder.file("x"), written: "x").records.map(\.next.token)
        #expect(tokens == expected.map { String($0.dropFirst(2)) })
    }

    /// Against Python's glob, files and folders apart.
    @Test(arguments: [
        "x/*", "x/a*", "x/?", "x/[ab]*", "x/[!ab]*", "x/[a-z].*", "x/.*", "*/*", "**/1*", "x/**", "**", "x/**/deep",
        "x/a/**/*", "*/a/?", "x/a/[0-9]*", "[x-y]/*", "x/*.gz", "x/a/b/.*", "x/a/b/..*", "*/b.gz", "nothing*", "x/*/*",
        "x/?.gz", "x/[]b]*", "x/ä*", "x/[ä]",
    ])
    func matchesAsPythonDoes(_ pattern: String) async throws {
        let folder = try folder(Self.tree)
        let oracle = try python(
            """
            import glob, json, os, sys
            os.chdir(sys.argv[1])
            found = set()
            for name in glob.glob(sys.argv[2], recursive=True):
                if os.path.isfile(name): found.add(os.path.normpath(name))
                # A folder that matches is read with all that is in it.
                elif os.path.isdir(name):
                    for path, folders, files in os.walk(name):
                        folders[:] = [folder for folder in folders if folder[0] != '.']
                        found.update(os.path.normpath(os.path.join(path, file)) for file in files if file[0] != '.')
            print(json.dumps(sorted(found, key=os.fsencode)))
            """, [folder.path, pattern])
        let expected = try JSONDecoder().decode([String].self, from: Data(oracle))
        #expect(try await files(folder, pattern) == (expected.isEmpty ? ["noInput"] : expected))
    }

    @Test func aNameThatExistsIsNoPattern() async throws {
        let folder = try folder(Self.tree)
        #expect(try await files(folder, "z[1]") == ["z[1]"])
        try FileManager.default.removeItem(atPath: folder.file("z[1]"))
        #expect(try await files(folder, "z[1]") == ["z1"])
    }

    @Test func aFileIsReadWhateverItsName() async throws {
        let folder = try folder(Self.tree)
        #expect(try await files(folder, "x/.hidden") == ["x/.hidden"])
        let reading = try await ArchiveReading(folder.file("x//a/2"), written: "./x//a/2")
        #expect(reading.records.map(\.file) == ["./x//a/2"] && reading.records.map(\.next.token) == ["2"])
    }

    @Test func linksAreFollowedAndCirclesEnd() async throws {
        let folder = try folder(["in/real/a", "in/c", "out/b"])
        try folder.link("in/real/up", to: "..")
        try folder.link("in/self", to: ".")
        try folder.link("in/other", to: "../out")
        try folder.link("in/twin", to: "other")
        try folder.link("in/file", to: "c")
        for pattern in ["in", "in/**", "in/**/*"] {
            let reading = try await ArchiveReading(folder.file(pattern), written: pattern)
            #expect(reading.error == nil)
            #expect(Set(reading.contents).count == 3, "\(pattern)")
            #expect(reading.records.count <= 8, "\(pattern)")
        }
        let reading = try await ArchiveReading(folder.file("in"), written: "in")
        #expect(reading.records.map(\.file) == ["in/c", "in/file", "in/other/b", "in/real/a"])
    }

    @Test func refusesWhatCannotBeListed() async throws {
        let folder = try folder(["ok/a", "broken/a", "circle/a", "pipes/a"])
        try folder.makeFolder("empty")
        try folder.makeFolder("hidden/.b")
        try folder.write("hidden/.a", "{}".utf8)
        try folder.link("broken/link", to: "nowhere")
        try folder.link("circle/link", to: "link")
        try folder.link("dangling", to: "nowhere")
        let cases = [
            ("missing", "missing doesn't exist"), ("ok/a/b", "ok/a/b can't be read: Not a directory"),
            ("empty", "the folder empty holds no file"), ("hidden", "the folder hidden holds no file"),
            ("ok/*.gz", "no file matches ok/*.gz"), ("no*/a", "no file matches no*/a"),
            ("none/*", "no file matches none/*"),
            ("dangling", "dangling is a symbolic link to something that doesn't exist"),
            ("circle/link", "circle/link is a symbolic link that leads back to itself"),
        ]
        for (written, message) in cases {
            let reading = try await ArchiveReading(folder.file(written), written: written)
            #expect(reading.error?.kind == .noInput && reading.records.isEmpty, "\(written)")
            #expect(reading.error?.message == message)
            #expect(reading.error?.hint?.isEmpty == false)
        }
        #expect(try await files(folder, "ok") == ["ok/a"])
        #expect(mkfifo(folder.file("pipes/fifo"), 0o600) == 0)
        let pipes = try await ArchiveReading(folder.file("pipes"), written: "pipes")
        #expect(pipes.records.map(\.file) == ["pipes/a"])
        #expect(pipes.warnings == ["pipes/fifo is left out: it is no regular file"])
        let fifo = try await ArchiveReading(folder.file("pipes/fifo"), written: "pipes/fifo")
        #expect(fifo.error?.kind == .noInput)
    }

    /// A link in a circle holds nothing; one that leads nowhere stood for a file.
    @Test func linksThatLeadNowhereStopNoRun() async throws {
        let folder = try folder(["broken/a", "circle/a"])
        try folder.link("broken/link", to: "nowhere")
        try folder.link("circle/link", to: "link")
        for glob in ["", "/*"] {
            let circle = try await ArchiveReading(folder.file("circle\(glob)"), written: "circle\(glob)")
            #expect(circle.error == nil && circle.records.map(\.file) == ["circle/a"])
            #expect(circle.warnings == ["circle/link is left out: it is a symbolic link that leads back to itself"])
            #expect(circle.files == ArchiveFileCounts(read: 1, leftOut: 1))
            let broken = try await ArchiveReading(folder.file("broken\(glob)"), written: "broken\(glob)")
            #expect(broken.error == nil && broken.records.map(\.file) == ["broken/a", "broken/link"])
            #expect(broken.contents.last == "<UnreadableFile>")
        }
    }

    @Test(
        arguments: [
            (["*.gz"], nil, ["x/b.gz"], 10), (nil, ["a"], ["x/B", "x/a!", "x/a.txt", "x/b.gz", "x/ä"], 3),
            (["a"], ["1?"], ["x/a/2", "x/a/b/c/deep"], 9), (["a/*"], ["**/c"], ["x/a/10", "x/a/2"], 9),
            (["**/deep", "/B"], nil, ["x/B", "x/a/b/c/deep"], 9), (["nothing"], nil, ["noInput"], nil),
            (nil, ["*"], ["noInput"], nil),
            (nil, ["a/b", "./a.txt"], ["x/B", "x/a!", "x/a/10", "x/a/2", "x/b.gz", "x/ä"], 4),
        ] as [([String]?, [String]?, [String], Int?)])
    func includeAndExcludeGoByNames(
        _ include: [String]?, _ exclude: [String]?, _ expected: [String], _ leftOut: Int?
    ) async throws {
        let folder = try folder(Self.tree)
        let reading = try await ArchiveReading(folder.file("x"), written: "x", include: include, exclude: exclude)
        #expect((reading.error.map { ["\($0.kind)"] } ?? reading.records.map(\.file)) == expected)
        #expect(reading.files?.leftOut == leftOut)
    }

    /// What is left out is neither opened nor asked for.
    @Test func whatIsExcludedCannotFail() async throws {
        let folder = try folder(["in/a"])
        try folder.link("in/link", to: "nowhere")
        let reading = try await ArchiveReading(folder.file("in"), written: "in", exclude: ["l*"])
        #expect(reading.contents.count == 1 && reading.warnings.isEmpty)
    }

    /// Once for each folder, and not for a glob, which says itself what is meant.
    @Test func hiddenNamesInAFolderAreTold() async throws {
        let folder = try folder(["in/.hidden", "in/.git/y", "in/a/.b", "in/a/c"])
        let reading = try await ArchiveReading(folder.file("in"), written: "in")
        #expect(reading.records.map(\.file) == ["in/a/c"])
        #expect(
            reading.warnings == [
                "in/.git and 1 more are left out: their names begin with a dot",
                "in/a/.b is left out: its name begins with a dot",
            ])
        #expect(try await ArchiveReading(folder.file("in/*/*"), written: "in/*/*").warnings == [])
    }

    @Test func aNameThatIsNoUTF8StopsTheRun() async throws {
        let folder = try folder(["in/a"])
        _ = try python("import sys; open(sys.argv[1].encode() + b'/in/\\xff', 'w')", [folder.path])
        let reading = try await ArchiveReading(folder.file("in"), written: "in")
        #expect(reading.error?.message == "the folder in holds a name that is not valid UTF-8")
    }

    /// What is counted as left out has a number as well; a folder of which nothing is read is one name.
    @Test func everyNameHasANumber() async throws {
        let folder = try folder([
            "in/a", "in/.git/x", "in/.git/y", "in/b/c", "in/b/.d", "in/old/e", "in/old/f", "in/z.txt", "in/n/_SUCCESS",
            "in/n/o.crc", "in/p",
        ])
        try folder.write("in/empty", [])
        try folder.write("in/logo", Array("\u{89}PNG\r\n\u{1A}\n".unicodeScalars.map { UInt8($0.value) }))
        try folder.write("in/packed", Array("PK\u{3}\u{4} and more".utf8))
        try folder.link("in/circle", to: "circle")
        try folder.link("in/lost", to: "nowhere")
        #expect(mkfifo(folder.file("in/fifo"), 0o600) == 0)
        let expected = [
            (".git", "its name begins with a dot"), ("a", "read"), ("b/.d", "its name begins with a dot"),
            ("b/c", "read"),
            ("circle", "a symbolic link that leads back to itself"), ("empty", "empty"), ("fifo", "no regular file"),
            ("logo", "a PNG image"), ("lost", "unreadable"), ("n/_SUCCESS", "a mark that another program has left"),
            ("n/o.crc", "a checksum of another file"), ("old", "'exclude' names it"), ("p", "read"),
            ("packed", "unreadable"), ("z.txt", "'exclude' names it"),
        ]
        for limit in [1, 3, 1000] {
            let reading = try await ArchiveReading(
                folder.file("in"), written: "in", limit: limit, exclude: ["old", "*.txt"])
            #expect(reading.error == nil && reading.names == expected.map(\.0))
            #expect(reading.ends == expected.map(\.1))
            #expect(reading.numbers == [1, 3, 8, 12, 13])
            #expect(reading.files == ArchiveFileCounts(read: 3, leftOut: 10))
        }
        // From any of them on, as if those before weren't there.
        for first in 1..<16 {
            let reading = try await ArchiveReading(
                folder.file("in"), written: "in", exclude: ["old", "*.txt"], from: first)
            #expect(reading.error == nil && reading.ends == expected.dropFirst(first).map(\.1))
            #expect(reading.numbers == [1, 3, 8, 12, 13].filter { $0 >= first })
        }
        // Of others' files nothing is known, and nothing needs to be; a part without any text is no error.
        for own in [[0, 3, 8, 11], [1, 2, 12, 14], [7], []] as [Set<Int>] {
            let reading = try await ArchiveReading(
                folder.file("in"), written: "in", exclude: ["old", "*.txt"], only: own)
            let ends = expected.enumerated().map { own.contains($0) ? $1.1 : "passed" }
            #expect(reading.error == nil && reading.ends == ends && reading.fractions.last == 1)
            #expect(reading.numbers == [1, 3, 8, 12, 13].filter(own.contains))
        }
        let included = try await ArchiveReading(folder.file("in"), written: "in", include: ["a"])
        let others = included.ends.filter { $0 == "'include' doesn't name it" }.count
        #expect(others == included.files.map { $0.leftOut - 4 })
        #expect(included.numbers == [1])
    }

    /// What the system says of a file is what it said when the file was opened.
    @Test func whatIsSaidOfAFile() async throws {
        // The last one isn't read ahead yet when it changes.
        let folder = try folder(["a", "b", "c", "d", "e", "f"].map { "in/\($0)" })
        let reading = try await ArchiveReading(folder.file("in"), written: "in", limit: 1) { call in
            // It has grown since it was listed.
            if call == 0 { try folder.write("in/f", Array("{\"Id\":\"in/f\"}\n{}\n".utf8)) }
        }
        let oracle = try python(
            """
            import json, os, sys
            status = [os.stat(os.path.join(sys.argv[1], name)) for name in 'abcdef']
            print(json.dumps([[each.st_size, each.st_mtime_ns, each.st_ino] for each in status]))
            """, [folder.file("in")])
        let expected = try JSONDecoder().decode([[Int64]].self, from: Data(oracle))
        #expect(reading.error == nil && reading.records.count == 7)
        #expect(reading.ended.map { [Int64($0.size), $0.modified, Int64($0.inode)] } == expected)
    }
}
