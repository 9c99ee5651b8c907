import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("Files of a run that others have changed", .timeLimit(.minutes(5)))
struct DamageTests {
    /// What is done to the folder of a run after its fifth commit.
    enum Damage: String, CaseIterable {
        case shorter, changed, missing, finishedShorter, noCheckpoint, noFolder
    }

    @Test("Files that aren't what the checkpoint says are refused; --fresh still works", arguments: Damage.allCases)
    func damage(_ damage: Damage) async throws {
        let reader = try CSVFolder(maxFileSize: 1)
        let run = SinkRun()
        let first = try await reader.open(run)
        try await run.begin(first)
        try await run.commit(1...5, first)
        await first.close()
        let users = try CSVFolder.data(below: reader.underWay(run)).keys.filter { $0.hasPrefix("users/") }.sorted()
        let last = "\(reader.underWay(run))/\(try #require(users.last))"
        let oldest = "\(reader.underWay(run))/\(try #require(users.first))"
        switch damage {
        case .shorter: truncate(last, 20)
        case .finishedShorter: truncate(oldest, 20)
        case .changed:
            var bytes = try Data(contentsOf: URL(fileURLWithPath: last))
            bytes[15] ^= 1
            try bytes.write(to: URL(fileURLWithPath: last))
        case .missing: try FileManager.default.removeItem(atPath: last)
        case .noCheckpoint: try FileManager.default.removeItem(atPath: reader.underWay(run) + "/checkpoint.json")
        case .noFolder: try FileManager.default.removeItem(atPath: reader.underWay(run))
        }
        let session = try await reader.open(run)
        #expect(try await session.state().lastRun?.state == .running)
        let number = try await session.state().checkpoint?.commitNumber ?? 0
        let refusal = await pipelineError { _ = try await session.prepare(run.batch(number + 1)) }
        #expect(refusal?.kind == .ioError)
        #expect(refusal?.hint?.contains("--fresh") == true)
        try await session.abandonRun(run.id)
        try await run.begin(session)
        try await run.commit(1...SinkRun.batches, session)
        try await run.complete(session)
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 140)
    }

    @Test(
        "A folder or file that vanishes in the middle of a run is noticed by the next commit", arguments: [true, false])
    func vanished(whole: Bool) async throws {
        let reader = try CSVFolder()
        let run = SinkRun()
        let session = try await reader.open(run)
        try await run.begin(session)
        try await run.commit(1...2, session)
        _ = try await session.prepare(run.batch(3))
        let gone = whole ? reader.underWay(run) : reader.underWay(run) + "/users/00000.csv"
        let kept = reader.beside("kept")
        try FileManager.default.moveItem(atPath: gone, toPath: kept)
        let refusal = await pipelineError { try await session.commit() }
        #expect(refusal?.kind == .ioError)
        #expect(refusal?.message.contains(gone) == true)
        await session.close()
        try FileManager.default.moveItem(atPath: kept, toPath: gone)
        let next = try await reader.open(run)
        #expect(try await next.state().checkpoint?.commitNumber == 2)
        try await run.commit(3...SinkRun.batches, next)
        try await run.complete(next)
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 140)
    }
}
