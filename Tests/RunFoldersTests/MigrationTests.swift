import Foundation
import PipelineCore
import PipelineTesting
import RunFolders
import Testing

/// What really was written by the first version, and what a kill leaves of it, is tested with the program as a whole.
@Suite("A folder of format 1 is brought to the present one", .timeLimit(.minutes(5)))
struct MigrationTests {
    private static let ids = ["nightly-20261121T000000Z", "nightly-20261122T000000Z"]

    /// Two runs of one pipeline, one of another, and a shard, as the first version would have left them.
    private func folder(_ mode: WriteMode = .append) async throws -> CSVFolder {
        let folder = try CSVFolder()
        if mode == .append {
            try await weekly.whole(folder.sink())
            try await folder.whole(SinkRun(id: "nightly-20261120T000000Z", shard: 1, shards: 2))
        }
        for id in Self.ids { try await folder.whole(SinkRun(mode: mode, id: id)) }
        try folder.makeFormat1()
        return folder
    }

    private let weekly = SinkRun(id: "weekly-20261120T000000Z", pipeline: "weekly")

    private func reopen(_ folder: CSVFolder, _ run: SinkRun = SinkRun()) async throws {
        await (try folder.open(run)).close()
    }

    private func refusal(_ folder: CSVFolder, _ run: SinkRun = SinkRun()) async -> PipelineError? {
        await pipelineError { try await reopen(folder, run) }
    }

    @Test(
        "Runs of all pipelines and shards move to one folder, and no byte of theirs changes",
        arguments: [WriteMode.append, .replace])
    func everything(mode: WriteMode) async throws {
        let folder = try await folder(mode)
        let names = ["nightly-20261120T000000Z.shard1"] + Self.ids + ["weekly-20261120T000000Z"]
        let expected = mode == .append ? names : Self.ids
        let before = try expected.map { try CSVFolder.files(below: "\(folder.path)/\($0)") }
        let rows = try await folder.rowsOfRuns(mode)
        #expect(
            rows.keys.sorted() == expected.filter { $0.hasPrefix("nightly") }.map { $0.replacing(".shard1", with: "") })
        try await reopen(folder, SinkRun(mode: mode))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                ".sluice", "current", "latest.json", "runs",
            ])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs").sorted() == expected)
        #expect(try expected.map { try CSVFolder.files(below: "\(folder.path)/runs/\($0)") } == before)
        #expect(folder.current == "runs/\(Self.ids[1])")
        #expect(try folder.object("latest.json")["path"] as? String == folder.current)
        #expect(try folder.object(".sluice/owner.json")["format"] as? Int == 2)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/.sluice/runs") {
            let record = try folder.object(".sluice/runs/\(name)")
            let point = record["checkpoint"] as? [String: Any]
            #expect(record["format"] as? Int == 2)
            #expect(point?["consumed"] as? Int == point?["next_ordinal"] as? Int)
        }
        #expect(try await folder.rowsOfRuns(mode) == rows)
        try await folder.whole(SinkRun(mode: mode))
        #expect(folder.current == "runs/\(SinkRun.id)")
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs").sorted()
        #expect(left == (mode == .append ? (expected + [SinkRun.id]).sorted() : [Self.ids[1], SinkRun.id]))
    }

    @Test("What was moved halfway is read where it is, and moved to the end", arguments: 0...3)
    func halfway(_ moved: Int) async throws {
        let folder = try await folder()
        let rows = try await folder.rowsOfRuns()
        let names = ["nightly-20261120T000000Z.shard1"] + Self.ids
        try FileManager.default.createDirectory(atPath: folder.path + "/runs", withIntermediateDirectories: false)
        for name in names[..<moved] {
            try FileManager.default.moveItem(atPath: "\(folder.path)/\(name)", toPath: "\(folder.path)/runs/\(name)")
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: "runs/\(name)")
        }
        if moved < names.count {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/runs/\(names[moved])", withDestinationPath: "runs/\(names[moved])")
        }
        let before = try CSVFolder.files(below: folder.path)
        #expect(try await folder.rowsOfRuns() == rows)
        #expect(try CSVFolder.files(below: folder.path) == before)
        try await reopen(folder)
        #expect(try await folder.rowsOfRuns() == rows)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                ".sluice", "current", "latest.json", "runs",
            ])
        #expect(folder.current == "runs/\(Self.ids[1])")
    }

    @Test(
        "What isn't a run stays where it is, or is said to be in the way",
        arguments: ["runs/mine", "runs", "latest.json", "mine"])
    func foreign(place: String) async throws {
        let folder = try await folder()
        let path = "\(folder.path)/\(place)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        if place == "mine" {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try Data("[".utf8).write(to: URL(fileURLWithPath: path + "/manifest.json"))
            try await reopen(folder)
            #expect(try String(contentsOfFile: path + "/manifest.json", encoding: .utf8) == "[")
            return
        }
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        let before = try CSVFolder.files(below: folder.path)
        let error = await refusal(folder)
        #expect(error?.kind == .cantCreate)
        #expect(error?.message.contains(path) == true)
        #expect(try CSVFolder.files(below: folder.path) == before)
        #expect(folder.current == Self.ids[1])
        try FileManager.default.removeItem(atPath: path)
        try await reopen(folder)
        #expect(folder.current == "runs/\(Self.ids[1])")
    }

    @Test("An unfinished run is refused until it is given up, and nothing is changed before", arguments: [true, false])
    func unfinished(isOwn: Bool) async throws {
        let folder = try await folder()
        try await reopen(folder)
        let run = isOwn ? SinkRun() : SinkRun(id: "weekly-20261123T000000Z", pipeline: "weekly")
        let session = try await folder.open(run)
        try await run.begin(session)
        try await run.commit(1...2, session)
        await session.close()
        try folder.makeFormat1()
        let before = try CSVFolder.files(below: folder.path)
        let error: PipelineError?
        if isOwn {
            let session = try await folder.open(run)
            error = try await session.state().fault
            #expect(try await session.state().lastRun?.state == .running)
            #expect(await pipelineError { _ = try await session.prepare(run.batch(3)) } == error)
            await session.close()
        } else {
            error = await refusal(folder)
            #expect(error?.hint?.contains("'weekly'") == true)
        }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("run \(run.id) was begun by version") == true)
        #expect(error?.hint?.contains("--fresh") == true)
        #expect(try CSVFolder.files(below: folder.path) == before)
        #expect(folder.current == Self.ids[1])
        // As --fresh does.
        let next = try await folder.open(run)
        try await next.abandonRun(run.id)
        try await run.begin(next)
        try await run.commit(1...SinkRun.batches, next)
        try await run.complete(next)
        #expect(folder.current == "runs/\(run.id)")
        try await reopen(folder)
    }

    @Test("Two pipelines that both have an unfinished run can give them up, one after the other")
    func bothUnfinished() async throws {
        let folder = try CSVFolder()
        let runs = [SinkRun(), SinkRun(id: "weekly-20261123T000000Z", pipeline: "weekly")]
        for run in runs {
            let session = try await folder.open(run)
            try await run.begin(session)
            try await run.commit(1...2, session)
            await session.close()
        }
        try folder.makeFormat1()
        let first = try await folder.open(runs[0])
        try await first.abandonRun(runs[0].id)
        // The earlier version may still finish the other one: nothing is migrated yet.
        #expect(await pipelineError { try await runs[0].begin(first) }?.message.contains(runs[1].id) == true)
        #expect(try folder.object(".sluice/runs/\(runs[0].id).json")["format"] as? Int == 1)
        await first.close()
        let second = try await folder.open(runs[1])
        try await second.abandonRun(runs[1].id)
        try await runs[1].begin(second)
        await second.close()
        let third = try await folder.open(runs[0])
        #expect(try await third.state().lastRun?.state == .abandoned)
        #expect(try await third.state().fault == nil)
        await third.close()
    }

    @Test("A run that was complete and only not published yet is published in the new place")
    func publicationInterrupted() async throws {
        let folder = try CSVFolder()
        let run = SinkRun()
        let session = try await folder.open(run)
        try await run.begin(session)
        try await run.commit(1...SinkRun.batches, session)
        // Something in the way keeps it from being published.
        try FileManager.default.createDirectory(atPath: folder.path + "/runs", withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.published(run)))
        #expect(await pipelineError { try await run.complete(session) }?.kind == .cantCreate)
        await session.close()
        try FileManager.default.removeItem(atPath: folder.path + "/runs")
        try folder.makeFormat1()
        let next = try await folder.open(run)
        #expect(try await next.state().lastRun?.state == .complete)
        await next.close()
        #expect(folder.current == "runs/\(run.id)")
        #expect(try folder.rows(of: SinkFixture.tables(for: .append)[0]).count == 140)
    }
}

extension CSVFolder {
    /// Makes of the folder what the first version would have left: runs beside the link, its own files without a number or with 1.
    func makeFormat1() throws {
        let files = FileManager.default
        for name in (try? files.contentsOfDirectory(atPath: path + "/runs")) ?? [] {
            try files.moveItem(atPath: "\(path)/runs/\(name)", toPath: "\(path)/\(name)")
        }
        for name in ["runs", "latest.json"] { try? files.removeItem(atPath: "\(path)/\(name)") }
        if let current {
            try files.removeItem(atPath: path + "/current")
            try files.createSymbolicLink(
                atPath: path + "/current", withDestinationPath: current.replacing("runs/", with: ""))
        }
        for (name, bytes) in try Self.files(below: path) where name.hasSuffix(".json") {
            let number = name.hasSuffix("owner.json") ? "" : "\"format\":1,"
            var text = String(decoding: bytes, as: UTF8.self).replacing("\"format\":2,", with: number)
            text = text.replacing(/"consumed":\d+,|,"listing_hash":null,"timeline":null/, with: "")
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }
    }

    func object(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// How many rows a reader finds of each run, and that nothing is wrong with it.
    func rowsOfRuns(_ mode: WriteMode = .append) async throws -> [String: Int] {
        let reader = try await sink(mode).openForReading(
            SinkReadingContext(pipeline: "nightly", tables: SinkFixture.tables(for: mode)))
        var rows: [String: Int] = [:]
        for run in try await reader.runs().runs {
            #expect(run.record.state == .complete)
            #expect(try await reader.account(ofRun: run.record.runID).faults == [])
            try await reader.read(SinkFixture.tables(for: mode)[0], ofRun: run.record.runID)
            var count = 0
            while let rows = try await reader.nextRows() { count += rows.rowCount }
            rows[run.record.runID, default: 0] += count
        }
        await reader.close()
        return rows
    }
}
