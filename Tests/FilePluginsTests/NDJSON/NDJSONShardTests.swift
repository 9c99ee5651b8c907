import FilePlugins
import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("Shards of a run in an NDJSON folder", .timeLimit(.minutes(5)))
struct NDJSONShardTests {
    private static func names(_ reader: OutputReader) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: reader.path).filter { $0 != ".sluice" }.sorted()
    }

    private static func current(_ reader: OutputReader) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "\(reader.path)/current")
    }

    @Test(
        "Each shard publishes a folder of its own, in any order, and `current` stays",
        arguments: [[0, 1, 2], [2, 0, 1]])
    func folders(order: [Int]) async throws {
        let reader = try OutputReader()
        let before = NDJSONRun(reader: reader, id: "nightly-20261122T000000Z")
        try await before.whole()
        #expect(Self.current(reader) == before.id)
        for shard in order {
            try await NDJSONRun(reader: reader, seed: shard * 1000, shard: shard, shards: 3).whole()
            #expect(Self.current(reader) == before.id)
        }
        let shards = (0..<3).map { "\(NDJSONRun.id).shard\($0)" }
        #expect(try Self.names(reader) == ["current", before.id] + shards)
        for (shard, name) in shards.enumerated() {
            // What a shard has published is what a run of the same records would be.
            let alone = try OutputReader()
            try await NDJSONRun(reader: alone, seed: shard * 1000).whole()
            #expect(
                try OutputReader.data(below: "\(reader.path)/\(name)")
                    == OutputReader.data(below: "\(alone.path)/\(NDJSONRun.id)"))
            let manifest = try String(contentsOfFile: "\(reader.path)/\(name)/manifest.json", encoding: .utf8)
            #expect(manifest.contains(#""shard":\#(shard),"shards":3,"#), "\(manifest.prefix(200))")
        }
        // Each of them is found, with all of its rows.
        let rows = try reader.rows(of: SinkFixture.tables(for: .append)[0])
        let users = Set(rows.compactMap { row in if case .text(let user) = row[1] { user } else { nil } })
        #expect(users.isSuperset(of: ["user-21", "user-1021", "user-2021"]))
    }

    @Test("A folder that has seen nothing but shards has no `current`; a whole run makes one")
    func withoutCurrent() async throws {
        let reader = try OutputReader()
        for shard in 0..<2 { try await NDJSONRun(reader: reader, shard: shard, shards: 2).whole() }
        #expect(try Self.names(reader) == (0..<2).map { "\(NDJSONRun.id).shard\($0)" })
        let next = NDJSONRun(reader: reader, id: "nightly-20261124T000000Z")
        try await next.whole()
        #expect(Self.current(reader) == next.id)
    }

    @Test(
        "A shard that is interrupted goes on where it was, and one that is done again takes its own place",
        arguments: [0, 1])
    func again(shard: Int) async throws {
        let reader = try OutputReader()
        let other = NDJSONRun(reader: reader, seed: 7, shard: 1 - shard, shards: 2)
        try await other.whole()
        let untouched = try OutputReader.files(below: other.published)
        let run = NDJSONRun(reader: reader, shard: shard, shards: 2)
        var session = try await run.open()
        try await run.begin(session)
        try await run.commit(1...4, session)
        await session.close()
        #expect(try Self.names(reader) == ["\(NDJSONRun.id).shard\(1 - shard)"])
        session = try await run.open()
        #expect(try await session.state().checkpoint?.commitNumber == 4)
        try await run.commit(5...NDJSONRun.batches, session)
        try await run.complete(session)
        let first = try OutputReader.data(below: run.published)
        #expect(!first.isEmpty)
        try await run.whole()
        #expect(try OutputReader.data(below: run.published) == first)
        #expect(try OutputReader.files(below: other.published) == untouched)
        #expect(Self.current(reader) == nil)
    }

    @Test("The same run isn't published twice, whole and in shards", arguments: [true, false])
    func wholeAndShards(wholeFirst: Bool) async throws {
        let reader = try OutputReader()
        let whole = NDJSONRun(reader: reader)
        let shard = NDJSONRun(reader: reader, shard: 0, shards: 2)
        let (first, second) = wholeFirst ? (whole, shard) : (shard, whole)
        try await first.whole()
        let before = try OutputReader.files(below: first.published)
        let refused = await pipelineError { try await second.whole() }
        #expect(refused?.kind == .cantCreate)
        #expect(refused?.message.contains(first.published) == true, "\(String(describing: refused))")
        #expect(try OutputReader.files(below: first.published) == before)
        // What is under way isn't published: it gives way to the run as it is wanted now.
        try FileManager.default.removeItem(atPath: first.published)
        let session = try await first.open()
        try await first.begin(session)
        try await first.commit(1...2, session)
        await session.close()
        try await second.whole()
        #expect(
            try Self.names(reader).filter { $0 != "current" } == [
                second.published.split(separator: "/").last.map(String.init)
            ])
    }
}
