import FilePlugins
import Foundation
import LocalFiles
import PipelineCore
import Testing

/// A list on standard input, which is read once and kept aside for the run.
@Suite(.timeLimit(.minutes(2)))
struct StandardInputTests {
    private let run = InputRun(pipeline: "p", runID: "p-20261123T000000Z", startedAt: "2026-11-23T00:00:00.000Z")

    private func reader(_ folder: TemporaryFolder, _ input: Pipe) -> FileUserReader {
        FileUserReader.reading(
            input.fileHandleForReading.fileDescriptor, keptIn: SpoolFolder(folder.file("state")))
    }

    private func feed(_ bytes: some Sequence<UInt8>, _ pipe: Pipe) {
        let data = Data(Array(bytes))
        Thread.detachNewThread {
            try? pipe.fileHandleForWriting.write(contentsOf: data)
            try? pipe.fileHandleForWriting.close()
        }
    }

    private func spools(_ folder: TemporaryFolder) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.file("state"))) ?? []
    }

    @Test(arguments: [false, true]) func isKeptForTheRun(_ isCompressed: Bool) async throws {
        let folder = try TemporaryFolder()
        let ids = (0..<100_000).map { "user-\($0)" }
        var bytes = Array(ids.map { $0 + "\n" }.joined().utf8)
        if isCompressed { bytes = try gzip([bytes], in: folder) }
        let pipe = Pipe()
        feed(bytes, pipe)
        let first = reader(folder, pipe)
        #expect(first.sourceFile == nil)
        try await first.prepare(for: run)
        #expect(try await Reading(first).contents == ids)
        #expect(spools(folder).count == 1)
        for name in spools(folder) {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("state/\(name)"))
            #expect((attributes[.posixPermissions] as? Int) == 0o600)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("state"))
        #expect((attributes[.posixPermissions] as? Int) == 0o700)
        // The next process of the run has nothing on its standard input, and needs nothing.
        let empty = Pipe()
        feed([], empty)
        let second = reader(folder, empty)
        try await second.prepare(for: run)
        #expect(try await Reading(second).contents == ids)
        await second.release(run)
        #expect(spools(folder).isEmpty)
    }

    /// Whatever happens to the file that keeps it, it isn't taken for the whole.
    @Test(arguments: ["cut", "changed", "longer", "empty"]) func whatIsDamagedIsTold(_ damage: String) async throws {
        let folder = try TemporaryFolder()
        let pipe = Pipe()
        feed((0..<1000).map { "user-\($0)\n" }.joined().utf8, pipe)
        try await reader(folder, pipe).prepare(for: run)
        let name = try #require(spools(folder).first)
        var bytes = try folder.read("state/\(name)")
        switch damage {
        case "cut": bytes.removeLast(bytes.count / 2)
        case "changed": bytes[bytes.count / 2] ^= 1
        case "longer": bytes += Array("more\n".utf8)
        default: bytes = []
        }
        try folder.write("state/\(name)", bytes)
        let error = await #expect(throws: PipelineError.self) { try await reader(folder, Pipe()).prepare(for: run) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(name) == true)
    }

    @Test func anotherRunReadsItsOwn() async throws {
        let folder = try TemporaryFolder()
        let (first, second) = (Pipe(), Pipe())
        feed("a\n".utf8, first)
        let one = reader(folder, first)
        try await one.prepare(for: run)
        feed("b\n".utf8, second)
        var next = run
        next.startedAt = "2026-11-24T00:00:00.000Z"
        let other = reader(folder, second)
        try await other.prepare(for: next)
        #expect(try await Reading(other).contents == ["b"])
        // What the run before has left behind is gone.
        #expect(spools(folder).count == 1)
        // Where the run gave it up, the next one of the same process takes it over.
        var successor = next
        successor.runID = "p-20261124T000001Z"
        try await other.prepare(for: successor)
        #expect(try await Reading(other).contents == ["b"])
        #expect(spools(folder).count == 1)
        await other.release(successor)
        // There is nothing more for a further run.
        var third = run
        third.runID = "p-20261125T000000Z"
        let error = await #expect(throws: PipelineError.self) { try await other.prepare(for: third) }
        #expect(error?.kind == .noInput)
        #expect(error?.message.contains("has been read already") == true)
    }

    /// Whoever feeds the list may never end it: a stop ends the wait, and nothing half is kept.
    @Test func aStopEndsTheWait() async throws {
        let folder = try TemporaryFolder()
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("a\n".utf8))
        let waiting = reader(folder, pipe)
        let run = run
        let task = Task { try await waiting.prepare(for: run) }
        try await Task.sleep(for: .milliseconds(300))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(spools(folder).isEmpty)
    }

    @Test func isNotOpenedUnprepared() async throws {
        let folder = try TemporaryFolder()
        let error = try await Reading(reader(folder, Pipe())).error
        #expect(error?.kind == .software)
    }
}
