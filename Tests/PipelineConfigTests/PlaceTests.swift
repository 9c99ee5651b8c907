import Foundation
import PipelineConfig
import PipelineCore
import PipelineEngine
import Testing

/// Places of one pipeline, compared as the file system has them.
@Suite struct PlaceTests {
    /// A folder with `in/a.gz`, `users.txt`, `key`, `linked` → `out`, `hard.txt` = `users.txt`, `in/elsewhere` → `far`.
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sluice-places-\(UUID().uuidString)")
        let manager = FileManager.default
        for name in ["in", "out", "far"] {
            try manager.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        for name in ["in/a.gz", "users.txt", "key", "p.yaml", "out/e.sqlite"] {
            try Data("0123456789abcdef".utf8).write(to: folder.appending(path: name))
        }
        try manager.createSymbolicLink(atPath: folder.path + "/linked", withDestinationPath: "out")
        try manager.createSymbolicLink(atPath: folder.path + "/in/elsewhere", withDestinationPath: "../far")
        try manager.createSymbolicLink(atPath: folder.path + "/dangling.sqlite", withDestinationPath: "new/e.sqlite")
        try manager.linkItem(atPath: folder.path + "/users.txt", toPath: folder.path + "/hard.txt")
        try manager.linkItem(atPath: folder.path + "/in/a.gz", toPath: folder.path + "/hard.gz")
    }

    private func errors(_ yaml: String) -> [String] {
        defer { try? FileManager.default.removeItem(at: folder) }
        do throws(ConfigurationErrors) {
            let loader = PipelineConfigurationLoader(
                registry: Fakes.registryWithArchives, environment: [:], version: "1",
                placeConflicts: { PlaceCheck($0, pipeline: $1).conflicts }
            ) { _ in }
            _ = try loader.load(Array(yaml.utf8), path: folder.path + "/p.yaml")
            return []
        } catch {
            return error.diagnostics.map { "\($0.place?.description ?? "") \($0.message)" }
        }
    }

    private static let users = "{type: pinpoint, application_id: a, users: {type: file, path: users.txt}}"
    private static let archive = "{type: archive, path: in}"

    @Test(arguments: [
        "out/e.sqlite", "./out/../out/e.sqlite", "linked/e.sqlite", "out//e.sqlite", "out/e.sqlite-wal",
        "out/e.sqlite/x",
    ])
    func twoSinksAtOnePlace(_ other: String) {
        let found = errors(
            Fakes.pipeline(
                source: Self.users,
                sinks: "\n  - {type: sqlite, path: out/e.sqlite, name: a}\n  - {type: sqlite, name: b, path: \(other)}")
        )
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("5:35 sink 'b' writes ") == true, "\(found)")
    }

    @Test(arguments: [
        ("dangling.sqlite", "new/e.sqlite"), ("new/x/../e.sqlite", "dangling.sqlite"), ("users.txt-x", "./users.txt-x"),
    ])
    func placesThatAreNotThereYet(_ one: String, _ other: String) {
        let sinks = "\n  - {type: sqlite, path: \(one), name: a}\n  - {type: sqlite, name: b, path: \(other)}"
        #expect(
            errors(Fakes.pipeline(source: Self.users, sinks: sinks)) == [
                "5:35 sink 'b' writes to the same place as sink 'a'"
            ])
    }

    @Test(arguments: [
        // A sink in another one's folder, and around it.
        ("[{type: ndjson, path: out}, {type: sqlite, path: linked/x}]", "into the folder of sink 'ndjson'"),
        ("[{type: ndjson, path: out/n}, {type: ndjson, path: out, name: b}]", "a folder that holds the place of"),
        ("[{type: ndjson, path: out/n}, {type: ndjson, path: out/n/deep, name: b}]", "into the folder of"),
        // What is read.
        ("[{type: sqlite, path: users.txt}]", "into what the source reads"),
        ("[{type: sqlite, path: hard.txt}]", "into what the source reads"),
        ("[{type: ndjson, path: users.txt}]", "into what the source reads"),
        ("[{type: sqlite, path: p.yaml}]", "over the pipeline's own file"),
        ("[{type: sqlite, path: key}]", "over a file that the pipeline takes a value from"),
        ("[{type: sqlite, path: x}]\nreport: {json: users.txt}", "into what the source reads"),
        ("[{type: sqlite, path: x}]\nreport: {json: ./in/../hard.txt}", "into what the source reads"),
        ("[{type: sqlite, path: x}]\nreport: {json: p.yaml}", "over the pipeline's own file"),
        ("[{type: sqlite, path: x}]\nreport: {json: key}", "over a file that the pipeline takes"),
        ("[{type: sqlite, path: x}]\nreport: {json: x}", "to the same place as sink 'sqlite'"),
        ("[{type: sqlite, path: x}]\nreport: {json: x-wal}", "to a file that belongs to the database of"),
        ("[{type: sqlite, path: x/y}]\nreport: {json: x}", "to a folder that holds the place of"),
        ("[{type: ndjson, path: out}]\nreport: {json: linked/now}", "into the files of"),
        ("[{type: ndjson, path: out}]\nreport: {json: linked/p-20260101T000000Z/last.json}", "into the files of"),
        ("[{type: ndjson, path: out}]\nreport: {json: out}", "to the same place as"),
        ("[{type: sqlite, path: x}]\nreport: {json: out/}", "must name a file, not a folder"),
        // The state directory.
        ("[{type: ndjson, path: out}]\nstate_directory: out/state", "into the folder of sink 'ndjson'"),
        ("[{type: sqlite, path: x}]\nstate_directory: ./x", "to the same place as sink 'sqlite'"),
        ("[{type: sqlite, path: x}]\nstate_directory: users.txt", "into what the source reads"),
        (
            "[{type: sqlite, path: x}]\nstate_directory: s\nreport: {json: s}",
            "to the same place as the state directory"
        ),
    ])
    func conflicts(_ sinks: String, _ words: String) {
        let key = "\ntransforms: [{type: mask, paths: [Address], key: '${file:key}'}]"
        let found = errors(Fakes.pipeline(source: Self.users, sinks: sinks + key))
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
        #expect(found.first?.hasPrefix(" ") == false, "it has its place in the file")
    }

    @Test(arguments: [
        "[{type: sqlite, path: in/e.sqlite}]", "[{type: ndjson, path: in}]", "[{type: ndjson, path: in/lines}]",
        "[{type: sqlite, path: far/e.sqlite}]", "[{type: sqlite, path: hard.gz}]", "[{type: ndjson, path: far}]",
        "[{type: sqlite, path: x}]\nreport: {json: in/last.json}",
        "[{type: sqlite, path: x}]\nstate_directory: in/state",
        "[{type: sqlite, path: x}]\nreport: {json: far/last.json}",
    ])
    func insideOfAFolderThatIsRead(_ sinks: String) {
        let found = errors(Fakes.pipeline(source: Self.archive, sinks: sinks))
        #expect(found.count == 1 && found[0].contains("into what the source reads"), "\(found)")
    }

    @Test(arguments: [
        "[{type: sqlite, path: out/e.sqlite}, {type: ndjson, path: out/lines}]", "[{type: sqlite, path: in/.e.sqlite}]",
        "[{type: ndjson, path: out}]\nreport: {json: out/p-last.json}",
        "[{type: sqlite, path: x}]\nreport: {json: .sluice/r}",
        "[{type: sqlite, path: x}]\nstate_directory: in/.state", "[{type: sqlite, path: inner}]",
        "[{type: sqlite, path: out/e.sqlite}, {type: sqlite, path: out/e.sqlite2, name: b}]",
    ])
    func whatIsFine(_ sinks: String) {
        #expect(errors(Fakes.pipeline(source: Self.archive, sinks: sinks)) == [])
    }

    @Test func theDefaultStateDirectoryInAFolderThatIsRead() {
        #expect(errors(Fakes.pipeline(source: "{type: archive, path: .}", sinks: "[{type: sqlite, path: .x}]")) == [])
    }

    /// Preview keeps its spool elsewhere.
    @Test func anotherStateDirectory() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let loader = PipelineConfigurationLoader(
            registry: Fakes.registryWithArchives, environment: [:], version: "1",
            stateDirectory: folder.path + "/in/state",
            placeConflicts: { PlaceCheck($0, pipeline: $1).conflicts }
        ) { _ in }
        let yaml = Fakes.pipeline(source: Self.archive, sinks: "[{type: sqlite, path: x}]")
        #expect(try loader.load(Array(yaml.utf8), path: folder.path + "/p.yaml").stateDirectory.hasSuffix("/in/state"))
    }
}
