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
                    == ([".sluice", "current", "mine"] + kept).sorted())
            #expect(reader.current == ids.last)
            let session = try await reader.open(SinkRun(mode: mode))
            #expect(try await session.run(withID: ids[0])?.state == .complete)
            await session.close()
        }
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
