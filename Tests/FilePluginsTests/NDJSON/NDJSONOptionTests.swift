import FilePlugins
import PipelineCore
import RunFolders
import Testing

@Suite("The NDJSON sink's options")
struct NDJSONOptionTests {
    private static let context = PluginContext(
        pipeline: "p", name: "files", stateDirectory: "/nowhere", environment: [:], version: "1", warn: { _ in })
    private static let path = OptionValue.path(PathOption(written: "out", resolved: "/somewhere/out"))

    @Test("What is given arrives, and what isn't has its default")
    func values() throws {
        let plain = try #require(
            NDJSONSink.make(Options(["path": Self.path]), Self.context) as? NDJSONSink)
        #expect(plain.name == "files")
        #expect(plain.target == "/somewhere/out")
        #expect(plain.mode == .append)
        #expect(plain.level == 6)
        #expect(plain.maxFileSize == 268_435_456)
        let given = try #require(
            NDJSONSink.make(
                Options([
                    "path": Self.path, "mode": .text("replace"), "level": .integer(9), "max_file_size": .size(1024),
                ]), Self.context) as? NDJSONSink)
        #expect(given.mode == .replace)
        #expect(given.level == 9)
        #expect(given.maxFileSize == 1024)
    }

    @Test(
        "Each compression has its own usual level",
        arguments: [("gzip", 6), ("zstd", 3), ("none", nil)] as [(String, Int?)])
    func usualLevels(_ compression: String, level: Int?) throws {
        let sink = try #require(
            NDJSONSink.make(Options(["path": Self.path, "compression": .text(compression)]), Self.context)
                as? NDJSONSink)
        #expect(sink.compression.rawValue == compression && sink.level == level)
    }

    @Test(
        "A level that the compression hasn't is an error at the level",
        arguments: [
            ("gzip", 10, "must be a whole number, from 1 to 9 with gzip, not '10'"),
            ("zstd", 20, "must be a whole number, from 1 to 19 with zstd, not '20'"),
            ("none", 3, "is for gzip and zstd: plain text has no level"),
        ])
    func levels(_ compression: String, level: Int, message: String) throws {
        let options = Options(["path": Self.path, "compression": .text(compression), "level": .integer(level)])
        #expect(throws: OptionError("level", message)) { try NDJSONSink.make(options, Self.context) }
    }

    @Test("Merge is refused, with what to use instead")
    func merge() throws {
        #expect {
            try NDJSONSink.make(Options(["path": Self.path, "mode": .text("merge")]), Self.context)
        } throws: { error in
            guard let error = error as? OptionError else { return false }
            return error.path == ["mode"] && error.message.contains("no merge") && error.message.contains("append")
        }
        guard case .pattern(let pattern)? = NDJSONSink.schema.field("mode")?.type else {
            Issue.record("the mode has no rule of its own")
            return
        }
        #expect(["append", "replace"].allSatisfy(pattern.accepts))
        #expect(!["merge", "", "Append", "appendix"].contains(where: pattern.accepts))
        #expect(pattern.summary.contains("no merge"))
    }

    @Test("All that changes the bytes is part of the fingerprint")
    func fingerprint() {
        let shaping = NDJSONSink.schema.fields.filter(\.shapesOutput).map(\.key)
        #expect(shaping == ["mode", "compression", "level", "max_file_size"])
    }
}
