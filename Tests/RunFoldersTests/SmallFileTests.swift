import Foundation
import LocalFiles
import PipelineCore
import Testing

@Suite("Small files, and what stands in their way")
struct SmallFileTests {
    private let folder: CSVFolder
    private var path: String { folder.beside("file") }

    init() throws { folder = try CSVFolder() }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test("A replacement takes the place of what is there at once; until then that stays")
    func replacement() throws {
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        let replacement = try Replacement(of: path, with: Array("new".utf8))
        try replacement.sync()
        #expect(try text(path) == "old")
        try replacement.replace()
        #expect(try text(path) == "new")
        #expect(try Files.names(in: folder.beside("")) == ["file"])
        let discarded = try Replacement(of: path, permissions: 0o600)
        try discarded.file.write(Array("never".utf8), at: 0)
        discarded.discard()
        #expect(try text(path) == "new")
        #expect(try Files.names(in: folder.beside("")) == ["file"])
    }

    @Test("Of two that make a file the first one does")
    func creation() throws {
        let first = try Replacement(of: path, aside: folder.beside("a"), with: Array("first".utf8))
        let second = try Replacement(of: path, aside: folder.beside("b"), with: Array("second".utf8))
        #expect(try first.create())
        #expect(try !second.create())
        #expect(try text(path) == "first")
        #expect(try Files.names(in: folder.beside("")) == ["file"])
    }

    @Test("Errors are made by whoever opens the file")
    func mapping() throws {
        let place = folder.beside("nowhere/file")
        #expect(throws: PipelineError(.usage, "open \(place).new: \(ENOENT)")) {
            try Replacement(of: place) { PipelineError(.usage, "\($1) \($2): \($0)") }
        }
        let error = #expect(throws: PipelineError.self) { try Replacement(of: place) }
        #expect(error?.kind == .ioError)
        #expect(error?.message == "cannot open \(place).new: No such file or directory")
    }

    @Test("A link in the place of the file aside is removed, and nothing is written where it leads")
    func link() throws {
        try Data("theirs".utf8).write(to: URL(fileURLWithPath: folder.beside("theirs")))
        try Files.link(to: "theirs", at: path + ".new")
        try Replacement.write(Array("ours".utf8), to: path, in: folder.beside(""))
        #expect(try text(path) == "ours")
        #expect(try text(folder.beside("theirs")) == "theirs")
    }

    @Test("What is read is a regular file, or nothing")
    func reading() throws {
        #expect(try Files.contents(of: path) == nil)
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try Files.contents(of: path) == bytes)
        mkfifo(folder.beside("pipe"), 0o600)
        for other in [folder.beside(""), folder.beside("pipe")] {
            let error = #expect(throws: PipelineError.self) { try Files.contents(of: other) }
            #expect(error?.kind == .configuration)
            #expect(error?.message == "\(other) is no regular file")
        }
    }
}
