import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("Publishing run folders", .timeLimit(.minutes(5)))
struct PublicationTests {
    @Test("Append keeps every run; replace keeps the newest and the one before")
    func retention() async throws {
        for mode in [WriteMode.append, .replace] {
            let reader = try CSVFolder()
            try FileManager.default.createDirectory(atPath: reader.path + "/mine", withIntermediateDirectories: true)
            try Data("{}".utf8).write(to: URL(fileURLWithPath: reader.path + "/mine/manifest.json"))
            let ids = (1...4).map { "nightly-2026112\($0)T000000Z" }
            for id in ids { try await reader.whole(SinkRun(mode: mode, id: id)) }
            let kept = mode == .append ? ids : Array(ids.suffix(2))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: reader.path).sorted()
                    == [".sluice", "current", "latest.json", "mine", "runs"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: reader.path + "/runs").sorted() == kept)
            #expect(reader.current == "runs/\(ids[3])")
            let session = try await reader.open(SinkRun(mode: mode))
            #expect(try await session.run(withID: ids[0])?.state == .complete)
            await session.close()
        }
    }

    @Test("latest.json names the run that `current` leads to, by paths that are there")
    func latest() async throws {
        let reader = try CSVFolder()
        for id in ["nightly-20261121T000000Z", "nightly-20261122T000000Z"] {
            try await reader.whole(SinkRun(id: id))
            let text = try String(contentsOfFile: reader.path + "/latest.json", encoding: .utf8)
            let date = SinkFixture.logicalDate
            #expect(
                text == #"{"format":2,"pipeline":"nightly","run_id":"\#(id)","path":"runs/\#(id)","#
                    + #""manifest":"runs/\#(id)/manifest.json","logical_date":"\#(date)","finished_at":"\#(date)"}"#
                    + "\n")
            #expect(FileManager.default.fileExists(atPath: reader.path + "/runs/\(id)/manifest.json"))
        }
    }

    @Test("What isn't this program's isn't replaced by latest.json", arguments: ["mine", "{}", "", "a folder"])
    func latestInTheWay(content: String) async throws {
        let reader = try CSVFolder()
        let place = reader.path + "/latest.json"
        try FileManager.default.createDirectory(
            atPath: content == "a folder" ? place : reader.path, withIntermediateDirectories: true)
        if content != "a folder" { try Data(content.utf8).write(to: URL(fileURLWithPath: place)) }
        let before = try CSVFolder.files(below: reader.path)["latest.json"]
        let refusal = await pipelineError { try await reader.whole(SinkRun()) }
        #expect(refusal?.kind == .cantCreate)
        #expect(refusal?.message.contains(place) == true)
        #expect(try CSVFolder.files(below: reader.path)["latest.json"] == before)
        // No shard writes it.
        try await reader.whole(SinkRun(shard: 0, shards: 2))
        try FileManager.default.removeItem(atPath: place)
        try await reader.whole(SinkRun(id: "nightly-20261125T000000Z"))
        #expect(try CSVFolder.files(below: reader.path)["latest.json"]?.isEmpty == false)
    }

    @Test("Checkpoint file and manifest name the files that were left out, whatever interrupts the run, at most 1,000")
    func leftOut() async throws {
        let reader = try CSVFolder()
        let run = SinkRun()
        func named(_ path: String) throws -> [String]? {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let files = document["left_out"] as? [[String: String]]
            #expect(files?.allSatisfy { $0["reason"] == "an image" } != false)
            return files?.compactMap { $0["name"] }
        }
        func commit(_ number: Int, _ names: Range<Int>, _ session: any SinkSession) async throws {
            var batch = run.batch(number)
            batch.leftOutFiles = names.map { LeftOutFile(name: "\($0).png", reason: "an image") }
            _ = try await session.prepare(batch)
            try await session.commit()
        }
        var session = try await reader.open(run)
        try await run.begin(session)
        try await commit(1, 0..<0, session)
        #expect(try named(reader.underWay(run) + "/checkpoint.json") == nil)
        try await commit(2, 0..<2, session)
        await session.close()
        session = try await reader.open(run)
        try await commit(3, 2..<4, session)
        var abandoned = run.batch(4)
        abandoned.leftOutFiles = [LeftOutFile(name: "never", reason: "an image")]
        _ = try await session.prepare(abandoned)
        await session.abandon()
        #expect(try named(reader.underWay(run) + "/checkpoint.json") == (0..<4).map { "\($0).png" })
        try await commit(4, 4..<2000, session)
        try await run.commit(5...SinkRun.batches, session)
        try await run.complete(session)
        #expect(try named(reader.published(run) + "/manifest.json") == (0..<1000).map { "\($0).png" })
        try await reader.whole(SinkRun(id: "nightly-20261124T000000Z"))
        #expect(try named(reader.path + "/current/manifest.json") == nil)
    }

    @Test("What `current` leads to stays as it was until a run that is done again takes its place")
    func doneAgain() async throws {
        let reader = try CSVFolder()
        let run = SinkRun(mode: .replace)
        try await reader.whole(run)
        let before = try CSVFolder.files(below: reader.published(run))
        let again = SinkRun(mode: .replace, seed: 1000)
        let session = try await reader.open(again)
        try await again.begin(session)
        try await again.commit(1...3, session)
        #expect(
            try CSVFolder.files(below: reader.path + "/" + (reader.current ?? ""))
                == before)
        try await again.complete(session)
        let after = try CSVFolder.files(below: reader.published(run))
        #expect(after["users/00000.csv"] != before["users/00000.csv"])
        #expect(try reader.rows(of: SinkFixture.users).count == 60)
    }
}
