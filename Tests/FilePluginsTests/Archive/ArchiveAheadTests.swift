import FilePlugins
import Foundation
import PipelineCore
import Testing

/// Files are opened and unpacked while the ones before them are still read, and nothing else changes by that.
@Suite(.timeLimit(.minutes(2)))
struct ArchiveAheadTests {
    private static func lines(_ number: Int, count: Int) -> [UInt8] {
        (0..<count).flatMap {
            Array("{\"Id\":\"\(number)-\($0)\",\"Address\":\"\(String(repeating: "a", count: 100))\"}\n".utf8)
        }
    }

    private func cursor(_ folder: TemporaryFolder) async throws -> any ArchiveCursor {
        let path = PathOption(written: "x", resolved: folder.file("x"))
        return try await ArchiveFileReader(path: path) { _ in }.open()
    }

    /// Names of the folder's files that this process holds open.
    private func open(in folder: TemporaryFolder) -> Set<String> {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        let paths = descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        let own = URL(fileURLWithPath: folder.path).resolvingSymlinksInPath().path
        return Set(paths.filter { $0.hasPrefix(own) }.map { String($0.dropFirst(own.count + 1)) })
    }

    private func waitUntil(_ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while !condition() {
            try #require(ContinuousClock.now < end, "it doesn't come to that")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test func aFewFilesAreOpenAtOnce() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("x")
        for number in 0..<7 { try folder.write("x/\(number)", Self.lines(number, count: 30_000)) }
        let cursor = try await cursor(folder)
        _ = try await cursor.next(limit: 1)
        try await waitUntil { open(in: folder) == ["x/0", "x/1", "x/2", "x/3"] }
        // The next one is opened when the first is done.
        var ended = 0
        while ended == 0 {
            for case .file(.ended) in try await cursor.next(limit: 1000) { ended += 1 }
        }
        _ = try await cursor.next(limit: 1)
        try await waitUntil { open(in: folder) == ["x/1", "x/2", "x/3", "x/4"] }
        await cursor.close()
        #expect(open(in: folder).isEmpty)
    }

    /// Only the files that are this process's.
    @Test func othersFilesStayClosed() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("x")
        for number in 0..<8 { try folder.write("x/\(number)", Self.lines(number, count: 30_000)) }
        let cursor = try await cursor(folder)
        await cursor.read(only: [0, 5, 7])
        _ = try await cursor.next(limit: 1)
        try await waitUntil { open(in: folder) == ["x/0", "x/5", "x/7"] }
        await cursor.close()
    }

    /// What takes much memory to unpack waits for its turn: so many files at once could take too much.
    @Test func aLargeWindowWaits() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("x")
        let text = Self.lines(0, count: 30_000)
        try folder.write("x/0", text)
        try folder.write("x/1", try zstd([text], in: folder, options: ["--long=27"]))
        try folder.write("x/2", try zstd([text], in: folder))
        let cursor = try await cursor(folder)
        _ = try await cursor.next(limit: 1)
        try await waitUntil { open(in: folder) == ["x/0", "x/2"] }
        var records = 0
        while case let events = try await cursor.next(limit: 1000), !events.isEmpty {
            for case .record in events { records += 1 }
        }
        #expect(records == 90_000)
        await cursor.close()
    }

    /// A file that goes away ends the reading once everything before it is taken.
    @Test func aFaultWaitsForItsTurn() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("x")
        for number in 0..<4 { try folder.write("x/\(number)", Self.lines(number, count: 20)) }
        let cursor = try await cursor(folder)
        try FileManager.default.removeItem(atPath: folder.file("x/2"))
        var ids: [String] = []
        let error = await #expect(throws: PipelineError.self) {
            while case let events = try await cursor.next(limit: 7), !events.isEmpty {
                for case .record(let record) in events { ids.append(record.file) }
            }
        }
        #expect(error?.kind == .noInput && error?.message.contains("x/2") == true)
        #expect(ids == Array(repeating: "x/0", count: 20) + Array(repeating: "x/1", count: 20))
        await cursor.close()
    }

    /// Whatever the sizes of files and calls.
    @Test func theOrderIsThatOfTheNames() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        try folder.makeFolder("x")
        var expected: [String] = []
        for number in 0..<40 {
            let count = [0, 1, 2, 30, 5000, 12_000].randomElement(using: &dice) ?? 0
            let name = "x/\(number + 10)"
            try folder.write(name, Self.lines(number, count: count))
            expected += Array(repeating: name, count: count)
        }
        let limit = Int.random(in: 1...3000, using: &dice)
        let reading = try await ArchiveReading(folder.file("x"), written: "x", limit: limit)
        #expect(reading.error == nil)
        #expect(reading.records.map(\.file) == expected)
        #expect(reading.fractions.last == 1)
        #expect(reading.fractions == reading.fractions.sorted())
    }
}
