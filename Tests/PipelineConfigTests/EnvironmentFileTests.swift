import Foundation
import PipelineConfig
import PipelineCore
import Testing

@Suite("Files of environment variables")
struct EnvironmentFileTests {
    private static let read = [
        ("A=1", "1"), ("A=", ""), ("A=''", ""), ("  A=x  ", "x"), ("A=x\r", "x"),
        ("A='a b'", "a b"), ("A='$HOME `x` \\ \"'", "$HOME `x` \\ \""),
        ("A=\"a \\\"b\\\" \\\\ \\$c \\`d '\"", "a \"b\" \\ $c `d '"),
        ("A=postgresql://etl@db/x?sslmode=require", "postgresql://etl@db/x?sslmode=require"), ("A=a#b", "a#b"),
        ("A=a=b", "a=b"), ("# A=0\n\nA=1\nA=2", "2"), ("A='ü\u{301}'", "ü\u{301}"), ("A=50%", "50%"),
        ("_a9=\nA=x", "x"),
    ]

    @Test("What is read is what a shell makes of it", arguments: read)
    func shell(text: String, value: String) throws {
        let file = try written(text)
        #expect(file.variables.last { $0.name == "A" }?.value == value)
        // A shell knows no CR before a line's end.
        let script = text.replacing("\r", with: "") + "\nprintf %s \"$A\""
        let process = Process(), pipe = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(String(decoding: output, as: UTF8.self) == value)
    }

    @Test(
        "What a shell reads otherwise, or nobody does, is refused at its line, and its value isn't told",
        arguments: [
            "A", "1A=x", "export A=x", "A B=x", "A =x", "=x", "Ä=x", "A=secret b", "A=$secret", "A=`secret`", "A=~",
            "A='secret",
            "A='secret'b", "A=\"secret", "A=\"secret\"b", "A=\"\\secret\"", "A=\"$secret\"", "A=secret;", "A=a'secret'",
            "A=\\s",
            "A=(secret)", "A=a\rb c",
        ])
    func refused(line: String) throws {
        let errors = try #require(throws: ConfigurationErrors.self) {
            try written("# one\nB=1\n\(line)\nC=1")
        }
        #expect(errors.kind == .configuration && errors.diagnostics.count == 1)
        #expect(errors.diagnostics[0].description.contains("x.env:3:1: error: "))
        #expect(!errors.description.contains("secret"))
    }

    @Test("Every wrong line is told; a file that can't be read is a missing input")
    func all() throws {
        let errors = try #require(throws: ConfigurationErrors.self) { try written("x\nA=1\ny") }
        #expect(errors.diagnostics.map(\.place?.line) == [1, 3])
        let unread = try #require(throws: ConfigurationErrors.self) { try EnvironmentFile(path: "/nowhere/x.env") }
        #expect(unread.kind == .noInput && unread.description.contains("No such file"))
    }

    /// The file with this text, read.
    private func written(_ text: String) throws -> EnvironmentFile {
        let folder = URL.temporaryDirectory.appending(path: "sluice-env-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "x.env")
        try Data(text.utf8).write(to: file)
        return try EnvironmentFile(path: file.path)
    }
}
