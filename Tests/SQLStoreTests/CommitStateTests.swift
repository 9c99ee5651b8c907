import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("The order of a session's commits")
struct CommitStateTests {
    private static let record = RunRecord(
        runID: "r1", state: .complete, logicalDate: "2026-01-01T00:00:00.000Z", startedAt: "2026-01-02T00:00:00.000Z",
        finishedAt: "2026-01-03T00:00:00.000Z", version: "0.1")

    private static func batch(_ number: Int) -> Batch {
        SinkFixture.batch([.absent("u1"), .failed("u2")], commitNumber: number, firstOrdinal: 0, runID: "r1")
    }

    private func begun() -> CommitState {
        var commits = CommitState(place: "here", pipeline: "nightly")
        commits.begin(CommitState.Commit(beginning: Self.record, fingerprint: "f", tracksChanges: false))
        return commits
    }

    @Test("A run begins as running, without counts and without an end")
    func beginning() {
        let commits = begun()
        #expect(commits.run?.state == .running)
        #expect(commits.run?.finishedAt == nil)
        #expect(commits.checkpoint?.commitNumber == 0)
        #expect(commits.checkpoint?.progress == .start)
        #expect(commits.checkpoint?.fingerprint == "f")
    }

    @Test("A batch follows the last commit, and counts in run and checkpoint alike once it is committed")
    func batches() throws {
        var commits = begun()
        #expect(throws: PipelineError.self) { try commits.requireNext(Self.batch(2)) }
        let last = try commits.requireNext(Self.batch(1))
        var observed = RunCounts()
        observed.removed = 5
        commits.prepare(last.advanced(by: Self.batch(1), observed: observed))
        #expect(commits.checkpoint?.commitNumber == 0)
        #expect(throws: PipelineError.self) { try commits.requireNext(Self.batch(1)) }
        #expect(throws: PipelineError.self) { try commits.requireEnd(.complete, finishedAt: "") }
        let next = try commits.takePrepared()
        commits.commit(next)
        #expect(commits.checkpoint?.commitNumber == 1)
        #expect(commits.checkpoint?.counts.removed == 5)
        #expect(commits.run?.counts == commits.checkpoint?.counts)
        #expect(commits.run?.state == .running)
        #expect(throws: PipelineError.self) { try commits.takePrepared() }
    }

    @Test("What is abandoned is prepared again from the same commit")
    func abandoning() throws {
        var commits = begun()
        commits.prepare(
            try commits.requireNext(Self.batch(1)).advanced(by: Self.batch(1), observed: RunCounts()))
        commits.abandon()
        #expect(try commits.requireNext(Self.batch(1)).checkpoint.commitNumber == 0)
    }

    @Test("An end takes state and time, and what publishing counted")
    func ending() throws {
        var commits = begun()
        var observed = RunCounts()
        observed.previousEndpoints = 3
        let end = try commits.requireEnd(.complete, finishedAt: "now").ended(observed: observed)
        commits.commit(end)
        #expect(commits.run?.state == .complete)
        #expect(commits.run?.finishedAt == "now")
        #expect(commits.run?.counts.previousEndpoints == 3)
        #expect(commits.checkpoint?.counts.previousEndpoints == 3)
    }

    @Test("Without its tables no run goes on, and one that begins anew has them again")
    func tables() throws {
        var commits = begun()
        commits.droppedTables = ["users"]
        let error = #expect(throws: PipelineError.self) { try commits.requireNext(Self.batch(1)) }
        #expect(
            error?.message == "here: table 'users' is gone, and with it what the unfinished run has committed there")
        commits.begin(CommitState.Commit(beginning: Self.record, fingerprint: "g", tracksChanges: false))
        #expect(try commits.requireNext(Self.batch(1)).checkpoint.fingerprint == "g")
    }

    @Test("Nothing ends or follows where no run has begun")
    func nothing() {
        let commits = CommitState(place: "here", pipeline: "nightly")
        #expect(throws: PipelineError.self) { try commits.requireNext(Self.batch(1)) }
        #expect(throws: PipelineError.self) { try commits.requireEnd(.complete, finishedAt: "") }
    }
}
