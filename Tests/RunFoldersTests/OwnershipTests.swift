import Foundation
import PipelineCore
import PipelineTesting
import RunFolders
import Testing

@Suite("Whose an output folder is", .timeLimit(.minutes(5)))
struct OwnershipTests {
    @Test("Another mode is refused, and a pipeline that would replace another's runs")
    func ownership() async throws {
        let reader = try CSVFolder()
        try await reader.whole(SinkRun(mode: .replace))
        let before = try CSVFolder.files(below: reader.path)
        let otherMode = await pipelineError { await (try reader.open(SinkRun(mode: .append))).close() }
        #expect(otherMode?.kind == .configuration)
        #expect(otherMode?.message.contains("'replace'") == true)
        let otherPipeline = await pipelineError {
            let context = SinkContext(pipeline: "weekly", tables: SinkFixture.tables)
            await (try reader.sink(.replace).open(context)).close()
        }
        #expect(otherPipeline?.kind == .configuration)
        #expect(otherPipeline?.message.contains("'nightly'") == true)
        #expect(try CSVFolder.files(below: reader.path) == before)
    }

    @Test("Pipelines may share a folder in append")
    func shared() async throws {
        let reader = try CSVFolder()
        try await reader.whole(SinkRun())
        let context = SinkContext(pipeline: "weekly", tables: SinkFixture.tables(for: .append))
        let session = try await reader.sink().open(context)
        #expect(try await session.state().lastRun == nil)
        let weekly = SinkRun(id: "weekly-20261123T000000Z")
        try await weekly.begin(session)
        let other = try await reader.open(SinkRun())
        await other.close()
        try await weekly.commit(1...2, session)
        try await weekly.complete(session)
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 180)
    }

    @Test("What isn't the sink's is left alone, and said to be in the way")
    func foreign() async throws {
        let reader = try CSVFolder()
        let mine = reader.path + "/runs/\(SinkRun.id)"
        // Before the folder is the sink's, nothing but runs may stand where they will.
        try FileManager.default.createDirectory(atPath: reader.path + "/runs", withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: mine))
        let claim = await pipelineError { await (try reader.open(SinkRun())).close() }
        #expect(claim?.kind == .cantCreate)
        #expect(claim?.message.contains(mine) == true)
        #expect(!FileManager.default.fileExists(atPath: reader.path + "/.sluice/owner.json"))
        try FileManager.default.removeItem(atPath: mine)
        await (try reader.open(SinkRun())).close()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: mine))
        let run = SinkRun()
        let session = try await reader.open(run)
        let refusal = await pipelineError { try await run.begin(session) }
        #expect(refusal?.kind == .cantCreate)
        #expect(refusal?.message.contains(mine) == true)
        #expect(try await session.state().lastRun == nil)
        try FileManager.default.removeItem(atPath: mine)
        try await run.begin(session)
        // It comes while the run goes on: the run is complete all the same, and published when the way is free.
        try await run.commit(1...2, session)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: mine))
        #expect(await pipelineError { try await run.complete(session) }?.kind == .cantCreate)
        await session.close()
        #expect(await pipelineError { await (try reader.open(run)).close() }?.kind == .cantCreate)
        try FileManager.default.removeItem(atPath: mine)
        let next = try await reader.open(run)
        #expect(try await next.state().lastRun?.state == .complete)
        await next.close()
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 40)
    }

    @Test("A path that is a file can't be created")
    func file() async throws {
        let reader = try CSVFolder()
        try Data("x".utf8).write(to: URL(fileURLWithPath: reader.path))
        #expect(await pipelineError { await (try reader.open(SinkRun())).close() }?.kind == .cantCreate)
    }
}
