import PipelineCore
import PipelineEngine
import Testing

/// `sluice report`, from what stores hold.
@Suite struct PipelineReportTests {
    private static func report(_ runs: [StoredRun], error: PipelineError? = nil) async throws -> PipelineReport {
        var store = ListStore(name: "s0", runs: runs)
        store.error = error
        return await RunPlan.looking(at: [store]).storeReport(
            runs: 3, now: try #require(Timestamp("2026-11-23T03:00:00Z")))
    }

    private static func verdict(_ report: PipelineReport) throws -> (standing: String, verdict: String) {
        let sink = try #require(try JSONTape(decoding: report.json).root["sinks"]?.elements.first)
        return (sink["standing"]?.text ?? "", sink["verdict"]?.text ?? "")
    }

    @Test func noRunYet() async throws {
        let report = try await Self.report([])
        #expect(report.exitCode == 0)
        #expect(try Self.verdict(report) == ("none", "there is no run yet"))
        #expect(report.text().contains("  verdict     there is no run yet"))
    }

    @Test func theLastRunsAreListedNewestFirst() async throws {
        let report = try await Self.report((19...23).map { .complete($0) })
        let runs = try JSONTape(decoding: report.json).root["sinks"]?.elements.first?["runs"]?.elements
        #expect(runs?.map { $0["run_id"]?.text } == ["p-23", "p-22", "p-21"])
        #expect(try Self.verdict(report).standing == "good")
    }

    @Test func aRunThatWaitsOrStopped() async throws {
        var running = StoredRun.complete(23, state: .running)
        running.record.counts.found = 60
        running.isUnderWay = false
        #expect(
            try Self.verdict(try await Self.report([running]))
                == ("open", "interrupted after 60 records; the next run goes on there"))
        running.isUnderWay = true
        #expect(try Self.verdict(try await Self.report([running])) == ("open", "under way, at 60 records"))
        var waiting = StoredRun.complete(23, state: .unpublished)
        waiting.record.counts.found = 117
        waiting.record.counts.failed = 3
        #expect(
            try Self.verdict(try await Self.report([waiting]))
                == ("open", "everything is fetched, but not published; 3 of 120 failed"))
        var failing = waiting
        failing.record.state = .complete
        #expect(
            try Self.verdict(try await Self.report([failing]))
                == ("wrong", "complete, but 3 of 120 failed, more than is accepted"))
    }

    @Test func aSinkThatCannotBeLookedAt() async throws {
        let report = try await Self.report([], error: PipelineError(.unavailable, "the server is away"))
        #expect(report.exitCode == 69)
        #expect(report.errors.map(\.sink) == ["s0"])
        #expect(try Self.verdict(report) == ("wrong", "it can't be looked at: the server is away"))
    }
}
