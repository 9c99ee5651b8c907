import Foundation
import PipelineConfig
import PipelineCore
import Testing

@Suite struct FileLoadingTests {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sluice-config-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ name: String) throws -> String {
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    @Test func missingFile() {
        defer { remove() }
        let path = folder.path + "/none.yaml"
        do throws(ConfigurationErrors) {
            _ = try Fakes.loader().load(path: path)
            Issue.record("loaded")
        } catch {
            #expect(error.kind == .noInput)
            #expect(error.description == "\(path): error: the file can't be read: No such file or directory")
        }
        #expect(Fakes.loader().validate(path: folder.path).map(\.message) == ["the file can't be read: Is a directory"])
    }

    @Test func hugeFileIsNotRead() throws {
        defer { remove() }
        let path = try write(String(repeating: "#\n", count: 1 << 20), "huge.yaml")
        #expect(
            Fakes.loader().validate(path: path).map(\.message) == [
                "the file is larger than 1 MiB, which no pipeline needs"
            ])
    }

    @Test(.timeLimit(.minutes(1))) func whatNeverEndsOrBeginsIsNotRead() throws {
        defer { remove() }
        let fifo = folder.path + "/p.yaml"
        #expect(mkfifo(fifo, 0o600) == 0)
        let held = open(fifo, O_RDWR)  // Somebody may hold it open, and write nothing.
        for (path, reason) in [
            (fifo, "it is a FIFO, not a regular file"), ("/dev/zero", "it is a device, not a regular file"),
            ("/dev/tty", "No such device or address"),
        ] {
            do throws(ConfigurationErrors) {
                _ = try Fakes.loader().load(path: path)
                Issue.record("loaded")
            } catch {
                #expect(error.kind == .noInput)
                #expect(path == "/dev/tty" || error.description.hasSuffix("the file can't be read: \(reason)"))
            }
        }
        close(held)
    }

    /// What a shell's `<(…)` gives, and a file that is given as standard input.
    @Test func aPipeThatWasHandedOver() throws {
        defer { remove() }
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let yaml = Array(Fakes.pipeline().utf8)
        #expect(Foundation.write(ends[1], yaml, yaml.count) == yaml.count)
        close(ends[1])
        #expect(try Fakes.loader().load(path: "/dev/fd/\(ends[0])").pipeline == "p")
        close(ends[0])
    }

    @Test func aFileOfManyKeys() throws {
        defer { remove() }
        let values = (0..<100_001).map { "v\($0 % 10)" }.joined(separator: ", ")
        let yaml = Fakes.pipeline(more: "transforms: [{type: filter, where: {Address: [\(values)]}}]")
        #expect(try Fakes.loader().load(path: try write(yaml, "values.yaml")).pipeline == "p")
        let keys = Fakes.pipeline() + (0..<100_001).map { "k\($0): 1\n" }.joined()
        let found = Fakes.loader().validate(path: try write(keys, "keys.yaml"))
        #expect(found.count == 101 && found.dropLast().allSatisfy { $0.message.hasPrefix("unknown option 'k") })
        #expect(found.last?.message == "99901 more unknown options, from 'k100' on")
    }

    @Test func relativeToItsFile() throws {
        defer { remove() }
        let path = try write(Fakes.pipeline(), "p.yaml")
        let configuration = try Fakes.loader().load(path: path)
        #expect(configuration.stateDirectory == folder.path + "/.sluice")
        #expect(Fakes.loader().validate(path: path).isEmpty)
    }

    @Test func relativeNameOfTheFile() throws {
        defer { remove() }
        let current = FileManager.default.currentDirectoryPath
        for (name, expected) in [("p.yaml", ""), ("./p.yaml", ""), ("a/p.yaml", "/a"), ("./a/b/p.yaml", "/a/b")] {
            let configuration = try Fakes.loader().load(Array(Fakes.pipeline().utf8), path: name)
            #expect(configuration.stateDirectory == current + expected + "/.sluice")
        }
    }

    @Test func secretsFromFiles() throws {
        defer { remove() }
        _ = try write("0123456789abcdef\n", "key")
        _ = try write("0123456789abcdef\r\n", "key-windows")
        _ = try write("\n", "empty")
        #expect(mkfifo(folder.path + "/fifo", 0o600) == 0)
        for name in ["key", "key-windows", folder.path + "/key"] {
            let yaml = Fakes.pipeline(more: "transforms: [{type: mask, paths: [Address], key: '${file:\(name)}'}]")
            let configuration = try Fakes.loader().load(path: try write(yaml, "p.yaml"))
            let mask = try #require(configuration.transforms.first as? FakeTransform)
            #expect(mask.options.secret("key")?.reveal() == "0123456789abcdef")
        }
        for (reference, message) in [
            ("${file:empty}", "the file 'empty' is empty"),
            ("${file:none}", "the file 'none' can't be read: No such file or directory"),
            ("${file:}", "'${file:}' names no file"),
            ("${file:/dev/zero}", "the file '/dev/zero' can't be read: it is a device, not a regular file"),
            ("${file:fifo}", "the file 'fifo' can't be read: it is a FIFO, not a regular file"),
        ] {
            let yaml = Fakes.pipeline(more: "transforms: [{type: mask, paths: [Address], key: '\(reference)'}]")
            let path = try write(yaml, "p.yaml")
            #expect(Fakes.loader().validate(path: path).map(\.message) == [message])
        }
        // A short value from a file is never shown, not even where a plugin names it.
        _ = try write("abc\n", "short")
        let yaml = Fakes.pipeline(more: "transforms: [{type: mask, paths: [Address], key: '${file:short}'}]")
        let path = try write(yaml, "p.yaml")
        #expect(Fakes.loader().validate(path: path).map(\.message) == ["'key': has fewer than 16 bytes: •••"])
    }
}
