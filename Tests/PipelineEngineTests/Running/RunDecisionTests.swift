import PipelineCore
import PipelineEngine
import Testing

@Suite struct RunDecisionTests {
    private let now = Timestamp("2026-11-23T04:00:00Z") ?? Timestamp(milliseconds: 0)
    private let other = Timestamp("2026-11-01") ?? Timestamp(milliseconds: 0)

    private func record(_ state: RunState, _ runID: String = "p-20261122T000000Z") -> RunRecord {
        RunRecord(
            runID: runID, state: state, logicalDate: "2026-11-22T00:00:00.000Z", startedAt: "2026-11-22T00:00:00.000Z",
            version: "1")
    }

    private func state(
        _ state: RunState, commit: Int = 1, fingerprint: String = "f", runID: String = "p-20261122T000000Z"
    ) -> SinkState {
        SinkState(
            lastRun: record(state, runID),
            checkpoint: Checkpoint(
                runID: runID, commitNumber: commit, progress: .start, counts: RunCounts(), fingerprint: fingerprint))
    }

    private func decide(
        _ states: [SinkState], _ request: RunRequest = RunRequest(), dated: RunRecord? = nil
    ) throws -> RunDecision {
        try RunDecision.decide(
            pipeline: "p", request: request,
            states: states.enumerated().map { ("sink\($0.offset)", $0.element, "f") }, dated: dated, now: now)
    }

    @Test func anEmptyStoreBeginsNow() throws {
        #expect(try decide([SinkState()]) == .begin(now, abandoning: []))
        #expect(try decide([SinkState(), SinkState()]) == .begin(now, abandoning: []))
    }

    @Test func aCompleteRunIsFollowedByANewOne() throws {
        #expect(try decide([state(.complete)]) == .begin(now, abandoning: []))
        #expect(try decide([state(.abandoned)]) == .begin(now, abandoning: []))
        // A sink that was added since has nothing yet.
        #expect(try decide([state(.complete), SinkState()]) == .begin(now, abandoning: []))
    }

    @Test func anImpliedDateThatIsTakenMovesOn() throws {
        let taken = state(.complete, runID: RunDecision.runID("p", now))
        #expect(try decide([taken]) == .begin(now.next, abandoning: []))
    }

    @Test func anUnfinishedRunIsResumed() throws {
        #expect(try decide([state(.running)]) == .resume(record(.running)))
        #expect(try decide([state(.running)], RunRequest(logicalDate: other)) == .resume(record(.running)))
    }

    @Test func freshGivesItUp() throws {
        #expect(
            try decide([state(.running)], RunRequest(fresh: true))
                == .begin(now, abandoning: ["p-20261122T000000Z"]))
        #expect(
            try decide([state(.running)], RunRequest(logicalDate: other, fresh: true))
                == .begin(other, abandoning: ["p-20261122T000000Z"]))
    }

    @Test func aDateThatIsDoneDoesNothing() throws {
        let done = record(.complete, RunDecision.runID("p", other))
        #expect(try decide([state(.complete)], RunRequest(logicalDate: other), dated: done) == .nothing(done))
        #expect(
            try decide([state(.complete)], RunRequest(logicalDate: other, fresh: true), dated: done)
                == .begin(other, abandoning: []))
        let abandoned = record(.abandoned, RunDecision.runID("p", other))
        #expect(
            try decide([state(.complete)], RunRequest(logicalDate: other), dated: abandoned)
                == .begin(other, abandoning: []))
    }

    @Test func sinksMayDifferByOneCommit() throws {
        #expect(try decide([state(.running, commit: 7), state(.running, commit: 8)]) == .resume(record(.running)))
        #expect(try decide([state(.complete, commit: 8), state(.running, commit: 8)]) == .resume(record(.running)))
        // Killed while it began: one sink has the run, the other not yet.
        #expect(try decide([state(.running, commit: 0), SinkState()]) == .resume(record(.running)))
        #expect(
            try decide([state(.running, commit: 0), state(.complete, runID: "p-20261101T000000Z")])
                == .resume(record(.running)))
    }

    @Test func sinksThatContradictEachOtherAreRefused() {
        let refused: [[SinkState]] = [
            [state(.running, commit: 7), state(.running, commit: 9)],
            [state(.running, commit: 1), SinkState()],
            [state(.running, commit: 1), state(.complete, runID: "p-20261101T000000Z")],
            [state(.running, commit: 0), state(.running, commit: 0, runID: "p-20261101T000000Z")],
            [state(.running, fingerprint: "other")],
        ]
        for states in refused {
            #expect {
                try decide(states)
            } throws: { error in
                let error = error as? PipelineError
                return error?.kind == .configuration && error?.hint?.contains("--fresh") == true
            }
        }
    }

    /// A first try that has committed nothing contradicts no configuration.
    @Test func whatHasCommittedNothingGivesWayToAnotherConfiguration() throws {
        let begun = state(.running, commit: 0, fingerprint: "other")
        let given: Set = ["p-20261122T000000Z"]
        #expect(try decide([begun]) == .begin(now, abandoning: given))
        #expect(try decide([begun, SinkState()]) == .begin(now, abandoning: given))
        #expect(try decide([begun, state(.complete, runID: "p-20261101T000000Z")]) == .begin(now, abandoning: given))
        #expect(try decide([begun], RunRequest(logicalDate: other)) == .begin(other, abandoning: given))
        #expect(throws: PipelineError.self) { try decide([begun, state(.running, commit: 1, fingerprint: "other")]) }
        #expect(try decide([state(.running, commit: 0)]) == .resume(record(.running)))
    }

    /// What fails is amended by each sink in as many commits as that takes.
    @Test func sinksThatHaveEverythingMayDifferByMore() throws {
        var (one, two) = (state(.running, commit: 7), state(.running, commit: 12))
        one.checkpoint?.progress.inputEnded = true
        two.checkpoint?.progress.inputEnded = true
        #expect(try decide([one, two]) == .resume(record(.running)))
        two.checkpoint?.progress.parked = [ParkedRecord(ordinal: 1, position: .start)]
        #expect(throws: PipelineError.self) { try decide([one, two]) }
    }
}
