import PipelineCore
import PipelineEngine
import Testing

/// What a person and a program read of a run that has ended, or has not.
@Suite(.timeLimit(.minutes(2))) struct RunReportTests {
    private static let names = [
        "run_id", "logical_date", "state", "records", "found", "absent", "failed", "endpoints", "superseded", "removed",
        "filtered", "not_numbers", "rows", "changes", "files", "requests", "retries", "throttled", "elapsed_seconds",
        "records_per_second", "resumed_from", "retried", "schema_version", "pipeline", "version", "exit_code", "error",
        "started_at", "finished_at", "sinks",
    ]

    private func pipeline(_ count: Int, failing: Set<Int> = []) -> TestPipeline {
        TestPipeline([.merge], ids: TestPipeline.ids(0..<count), answer: TestPipeline.everybody(but: failing))
    }

    @Test func aGoodRun() async throws {
        let report = await pipeline(20).run()
        let root = try JSONTape(decoding: report.json).root
        #expect(root.members.map(\.name) == Self.names)
        #expect(root["error"]?.kind == .null && root["exit_code"]?.integer == 0)
        #expect(root["pipeline"]?.text == "p" && root["version"]?.text == "1.0.0")
        #expect(root["started_at"]?.text == "2026-11-23T00:00:00.000Z")
        #expect(root["finished_at"]?.text == "2026-11-23T00:00:00.000Z")
        #expect(root["resumed_from"]?.kind == .null && root["files"]?.kind == .null && root["retried"]?.kind == .null)
        let text = try #require(report.text(file: "p.yaml"))
        #expect(text.hasPrefix("run p-20261123T000000Z: complete\n  records     20 = 20 found + 0 absent + 0 failed\n"))
        #expect(!text.contains("next"))
    }

    @Test func oneWithFailures() async throws {
        let report = await pipeline(20, failing: [3, 7]).run()
        #expect(report.exitCode == 65)
        let root = try JSONTape(decoding: report.json).root
        #expect(root["error"]?["message"]?.text?.hasPrefix("complete, but 2 of 20 records failed") == true)
        let text = try #require(report.text(file: "my pipelines/it's.yaml"))
        #expect(text.hasPrefix("run p-20261123T000000Z: complete, with failures\n"))
        #expect(
            text.hasSuffix(
                #"""
                  next        sluice retry 'my pipelines/it'\''s.yaml'
                              asks again for users that failed
                              sluice report 'my pipelines/it'\''s.yaml'
                              tells what failed, by code
                """#))
        #expect(report.text(style: .coloured)?.hasPrefix("\u{1B}[33mrun p-") == true)
    }

    @Test func aBrake() async throws {
        var pipeline = pipeline(20, failing: [3, 13, 14])
        pipeline.limits.maxFailed = .count(2)
        let report = await pipeline.run()
        #expect(report.exitCode == 76)
        let root = try JSONTape(decoding: report.json).root
        #expect(root["state"]?.text == "interrupted" && root["exit_code"]?.integer == 76)
        #expect(root["error"]?["message"]?.text?.contains("max_failed") == true)
        #expect(root["error"]?["hint"]?.text?.contains("--accept failed") == true)
        let text = try #require(report.text(file: "p.yaml"))
        #expect(text.hasPrefix("run p-20261123T000000Z: interrupted (76: a brake)\n"))
        #expect(
            text.contains(
                """
                  next        sluice report p.yaml
                              tells what failed, by code
                              sluice run p.yaml --accept failed
                              goes on after the first 10 records, and passes the brake: only if
                              it is right as it is
                """))
    }

    /// A call that gets to no run tells why, in the same form, with null for what isn't known.
    @Test func noRun() async throws {
        let report = RunReport(
            summary: nil, error: PipelineError(.permission, "no credentials", hint: "Set them."),
            call: ReportedCall(
                pipeline: "nightly", version: "1.0.0", startedAt: try #require(Timestamp("2026-11-23T01:00:00Z")),
                finishedAt: try #require(Timestamp("2026-11-23T01:00:05Z"))))
        #expect(report.text() == nil)
        let root = try JSONTape(decoding: report.json).root
        #expect(root.members.map(\.name) == Self.names)
        #expect(root["run_id"]?.kind == .null && root["records"]?.kind == .null && root["rows"]?.kind == .null)
        #expect(root["state"]?.text == "not begun" && root["exit_code"]?.integer == 77)
        #expect(root["error"]?["hint"]?.text == "Set them.")
        #expect(root["started_at"]?.text == "2026-11-23T01:00:00.000Z")
        #expect(root["finished_at"]?.text == "2026-11-23T01:00:05.000Z")
        #expect(root["sinks"]?.elements.isEmpty == true)
    }

    /// Usual names and figures, and a path that is far too long.
    @Test func noLineIsWiderThan80Columns() async throws {
        var pipeline = pipeline(40, failing: [1])
        pipeline.sinks += [(.append, MemoryStore())]
        let long = "/srv/" + String(repeating: "a-folder-with-a-long-name/", count: 8) + "nightly.yaml"
        for report in [await pipeline.run(), await pipeline.retry()] {
            let text = try #require(report.text(file: long))
            for line in text.split(separator: "\n") {
                #expect(DisplayWidth.of(String(line)) <= 80 || line.contains("/srv/"))
            }
        }
    }
}
