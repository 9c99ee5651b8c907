import PipelineCore
import PipelineEngine
import Testing

@Suite struct PipelineStatusTests {
    private static func status(
        _ runs: [[StoredRun]], maxAge: Duration? = nil, at time: String = "2026-11-23T03:00:00Z",
        error: PipelineError? = nil
    ) async throws -> PipelineStatus {
        let stores = runs.enumerated().map { index, runs in
            ListStore(name: "s\(index)", runs: runs)
        }
        var all = stores
        if let error { all[all.count - 1].error = error }
        return await RunPlan.looking(at: all).status(maxAge: maxAge, now: try #require(Timestamp(time)))
    }

    private static func shard(_ shard: Int, of shards: Int?, _ state: RunState, found: Int = 1) -> StoredRun {
        var run = StoredRun.complete(23, state: state)
        run.shard = shard
        run.shards = shards
        run.record.counts.found = found
        return run
    }

    @Test func noRunYetIsNoError() async throws {
        let status = try await Self.status([[]])
        #expect(status.exitCode == 0)
        #expect(status.text.contains("none yet"))
        #expect(status.json.contains(#""state":"none""#))
        #expect(try await Self.status([[]], maxAge: .seconds(3600)).exitCode == 65)
    }

    /// The run ended at 2:00.
    @Test(arguments: [
        (Duration.seconds(3601), Int32(0)), (.seconds(3600), 65), (.seconds(3599), 65), (.seconds(93_600), 0),
    ])
    func theAgeCountsFromTheEnd(maxAge: Duration, code: Int32) async throws {
        #expect(try await Self.status([[.complete(23)]], maxAge: maxAge).exitCode == code)
    }

    @Test func everySinkNeedsAYoungRun() async throws {
        let (old, new) = (StoredRun.complete(21), StoredRun.complete(23))
        let age = Duration.seconds(7200)
        #expect(try await Self.status([[old, new], [old, new]], maxAge: age).exitCode == 0)
        let status = try await Self.status([[old, new], [old]], maxAge: age)
        #expect(status.exitCode == 65)
        #expect(status.text.contains("stale: no complete run younger than 2 h in 's1'"))
        // What is under way is no complete run, and hides none.
        let running = StoredRun.complete(23, state: .running)
        #expect(try await Self.status([[old, running]], maxAge: age).exitCode == 65)
        #expect(try await Self.status([[old, running]], maxAge: .seconds(86_400 * 3)).exitCode == 0)
    }

    @Test func anErrorOfASinkIsToldBesideTheOthers() async throws {
        let status = try await Self.status(
            [[.complete(23)], []], maxAge: .seconds(60), error: PipelineError(.unavailable, "the server is away"))
        #expect(status.exitCode == 69)
        #expect(status.text.contains("p-23, complete, ended 1 h ago"))
        #expect(status.text.contains("the server is away"))
        let root = try JSONTape(decoding: status.json).root
        let sinks = try #require(root["sinks"]?.elements)
        #expect(sinks.map { $0["state"]?.text } == ["complete", "unreachable"])
        #expect(sinks[1]["error"]?["exit_code"]?.integer == 69)
        #expect(sinks[0]["last_run"]?["age_seconds"]?.integer == 3600)
        #expect(sinks[0]["last_complete_run"]?["run_id"]?.text == "p-23")
        #expect(root["fresh"]?.boolean == false)
        #expect(root["exit_code"]?.integer == 69)
    }

    /// What no process works on isn't running, whatever the store says.
    @Test(arguments: [(true, "running"), (false, "interrupted")])
    func aRunIsRunningOnlyWhileItsLockIsHeld(isUnderWay: Bool, expected: String) async throws {
        var run = StoredRun.complete(23, state: .running)
        run.isUnderWay = isUnderWay
        let status = try await Self.status([[run]])
        #expect(status.text.contains("p-23, \(expected), "))
        let sink = try JSONTape(decoding: status.json).root["sinks"]?.elements.first
        #expect(sink?["state"]?.text == expected)
        #expect(sink?["last_run"]?["state"]?.text == expected)
    }

    struct Shards: Sendable {
        var states: [RunState]
        var count: Int?
        var expected: String
    }

    @Test(arguments: [
        Shards(states: [.complete, .complete], count: 2, expected: "complete"),
        Shards(states: [.complete, .complete], count: nil, expected: "complete"),
        Shards(states: [.complete, .running], count: 2, expected: "running"),
        Shards(states: [.complete, .complete], count: 3, expected: "interrupted"),
        Shards(states: [.complete, .abandoned], count: 2, expected: "abandoned"),
        Shards(states: [.unpublished, .complete], count: 2, expected: "unpublished"),
    ])
    func aShardedRunIsCompleteWhenAllShardsAre(_ shards: Shards) async throws {
        let runs = shards.states.enumerated().map { Self.shard($0, of: shards.count, $1) }
        let status = try await Self.status([runs])
        let run = try JSONTape(decoding: status.json).root["sinks"]?.elements.first?["last_run"]
        #expect(run?["state"]?.text == shards.expected)
        #expect(run?["records"]?.integer == 2)
        #expect(run?["shards"]?.elements.count == 2)
        #expect(run?["shard_count"]?.integer == Int64(shards.count ?? 2))
    }
}
