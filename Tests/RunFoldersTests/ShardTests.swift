import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("Shards of a run in an output folder", .timeLimit(.minutes(5)))
struct ShardTests {
    private static func names(_ reader: CSVFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: reader.path + "/runs").sorted()
    }

    @Test(
        "Each shard publishes a folder of its own, in any order, and `current` stays",
        arguments: [[0, 1, 2], [2, 0, 1]])
    func folders(order: [Int]) async throws {
        let reader = try CSVFolder()
        let before = SinkRun(id: "nightly-20261122T000000Z")
        try await reader.whole(before)
        #expect(reader.current == "runs/\(before.id)")
        let latest = try CSVFolder.files(below: reader.path)["latest.json"]
        for shard in order {
            try await reader.whole(SinkRun(seed: shard * 1000, shard: shard, shards: 3))
            #expect(reader.current == "runs/\(before.id)")
            #expect(try CSVFolder.files(below: reader.path)["latest.json"] == latest)
        }
        let shards = (0..<3).map { "\(SinkRun.id).shard\($0)" }
        #expect(try Self.names(reader) == [before.id] + shards)
        for (shard, name) in shards.enumerated() {
            // What a shard has published is what a run of the same records would be.
            let alone = try CSVFolder()
            try await alone.whole(SinkRun(seed: shard * 1000))
            #expect(
                try CSVFolder.data(below: "\(reader.path)/runs/\(name)")
                    == CSVFolder.data(below: "\(alone.path)/runs/\(SinkRun.id)"))
            let manifest = try String(contentsOfFile: "\(reader.path)/runs/\(name)/manifest.json", encoding: .utf8)
            #expect(manifest.contains(#""shard":\#(shard),"shards":3,"#), "\(manifest.prefix(200))")
        }
        // Each of them is found, with all of its rows.
        let rows = try reader.rows(of: SinkFixture.tables(for: .append)[0])
        let users = Set(rows.compactMap { row in if case .text(let user) = row[1] { user } else { nil } })
        #expect(users.isSuperset(of: ["user-21", "user-1021", "user-2021"]))
    }

    @Test("A folder that has seen nothing but shards has no `current`; a whole run makes one")
    func withoutCurrent() async throws {
        let reader = try CSVFolder()
        for shard in 0..<2 { try await reader.whole(SinkRun(shard: shard, shards: 2)) }
        #expect(try Self.names(reader) == (0..<2).map { "\(SinkRun.id).shard\($0)" })
        let next = SinkRun(id: "nightly-20261124T000000Z")
        try await reader.whole(next)
        #expect(reader.current == "runs/\(next.id)")
    }

    @Test(
        "A shard that is interrupted goes on where it was, and one that is done again takes its own place",
        arguments: [0, 1])
    func again(shard: Int) async throws {
        let reader = try CSVFolder()
        let other = SinkRun(seed: 7, shard: 1 - shard, shards: 2)
        try await reader.whole(other)
        let untouched = try CSVFolder.files(below: reader.published(other))
        let run = SinkRun(shard: shard, shards: 2)
        var session = try await reader.open(run)
        try await run.begin(session)
        try await run.commit(1...4, session)
        await session.close()
        #expect(try Self.names(reader) == ["\(SinkRun.id).shard\(1 - shard)"])
        session = try await reader.open(run)
        #expect(try await session.state().checkpoint?.commitNumber == 4)
        try await run.commit(5...SinkRun.batches, session)
        try await run.complete(session)
        let first = try CSVFolder.data(below: reader.published(run))
        #expect(!first.isEmpty)
        try await reader.whole(run)
        #expect(try CSVFolder.data(below: reader.published(run)) == first)
        #expect(try CSVFolder.files(below: reader.published(other)) == untouched)
        #expect(reader.current == nil)
    }

    @Test("The same run isn't published twice, whole and in shards", arguments: [true, false])
    func wholeAndShards(wholeFirst: Bool) async throws {
        let reader = try CSVFolder()
        let whole = SinkRun()
        let shard = SinkRun(shard: 0, shards: 2)
        let (first, second) = wholeFirst ? (whole, shard) : (shard, whole)
        try await reader.whole(first)
        let before = try CSVFolder.files(below: reader.published(first))
        let refused = await pipelineError { try await reader.whole(second) }
        #expect(refused?.kind == .cantCreate)
        #expect(refused?.message.contains(reader.published(first)) == true, "\(String(describing: refused))")
        #expect(try CSVFolder.files(below: reader.published(first)) == before)
        // What is under way isn't published: it gives way to the run as it is wanted now.
        try FileManager.default.removeItem(atPath: reader.published(first))
        let session = try await reader.open(first)
        try await first.begin(session)
        try await first.commit(1...2, session)
        await session.close()
        try await reader.whole(second)
        #expect(
            try Self.names(reader) == [
                reader.published(second).split(separator: "/").last.map(String.init)
            ])
    }
}
