import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("Failures of a run that isn't published", .timeLimit(.minutes(5)))
struct AmendingTests {
    @Test(
        "They are read in order of their ordinals, and the rows that stay are copied, over as many files as there are",
        arguments: [1, 256 << 20])
    func amending(maxFileSize: Int) async throws {
        let folder = try CSVFolder(maxFileSize: maxFileSize)
        let run = SinkRun(mode: .replace)
        let session = try await folder.open(run)
        try await run.begin(session)
        for number in 1...3 {
            let batch = SinkFixture.batch(
                (0..<4).map { .failed("user \"\(number)\"\n\($0)") }, commitNumber: number,
                firstOrdinal: number * 4 - 4,
                runID: run.id, mode: run.mode)
            _ = try await session.prepare(batch)
            try await session.commit()
        }
        let before = try await session.failures(from: 0, limit: 100)
        #expect(before.map(\.ordinal) == Array(0..<12))
        #expect(before.map(\.userID) == (1...3).flatMap { number in (0..<4).map { "user \"\(number)\"\n\($0)" } })
        #expect(before.allSatisfy { $0.code == "Throttled" && !$0.hasRaw && $0.line == 0 && $0.status == nil })
        #expect(try await session.failures(from: 5, limit: 3).map(\.ordinal) == [5, 6, 7])
        let progress = try #require(try await session.state().checkpoint?.progress)
        let amendment = SinkFixture.amendment(
            [2: .found("two", []), 3: .failed("three"), 9: .absent("nine")], commitNumber: 4, runID: run.id,
            mode: run.mode, progress: progress)
        _ = try await session.prepare(amendment)
        await session.abandon()
        #expect(try await session.failures(from: 0, limit: 100) == before)
        _ = try await session.prepare(amendment)
        try await session.commit()
        await session.close()
        let next = try await folder.open(run)
        let after = try await next.failures(from: 0, limit: 100)
        #expect(after.map(\.ordinal) == [0, 1, 3, 4, 5, 6, 7, 8, 10, 11])
        #expect(after.first { $0.ordinal == 3 }?.userID == "three")
        try await run.complete(next)
        // Published, the copy has the table's own name.
        let rows = try folder.rows(of: SinkFixture.failures)
        #expect(rows.compactMap { row in if case .integer(let ordinal) = row[2] { ordinal } else { nil } }.count == 10)
        let folders = try FileManager.default.contentsOfDirectory(atPath: folder.published(run)).sorted()
        #expect(folders == (SinkFixture.tables.map(\.name) + ["manifest.json"]).sorted())
    }
}
