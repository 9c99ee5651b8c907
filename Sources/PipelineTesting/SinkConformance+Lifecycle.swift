internal import PipelineCore

extension SinkConformance {
    /// The counts that a run begins with: nothing, of changes too where the store knows them.
    private static func counts(of checkpoint: Checkpoint) -> RunCounts {
        var counts = RunCounts()
        if checkpoint.counts.changes != nil { counts.changes = EndpointChanges() }
        return counts
    }

    /// Runs, checkpoints, locks, and the two steps of a commit: the same in every mode.
    static let lifecycle: [Check] = [
        Check("a fresh store has no run") { trial in
            let state = try await trial.session().state()
            try trial.expect(state.lastRun, nil, "the last run")
            try trial.expect(state.checkpoint, nil, "the checkpoint")
            try trial.expect(await trial.session().run(withID: SinkTrial.runID), nil, "a run")
        },
        Check("a run that has begun is there after a crash") { trial in
            let checkpoint = try await trial.begin()
            try trial.expect(
                checkpoint,
                Checkpoint(
                    runID: SinkTrial.runID, commitNumber: 0, progress: .start, counts: counts(of: checkpoint),
                    fingerprint: "fingerprint-1"),
                "the first checkpoint")
            await trial.close()
            let state = try await trial.session().state()
            var expected = SinkTrial.run(SinkTrial.runID)
            expected.counts = counts(of: checkpoint)
            try trial.expect(state.lastRun, expected, "the last run")
            try trial.expect(state.checkpoint, checkpoint, "the checkpoint")
        },
        Check("what is prepared and abandoned leaves nothing") { trial in
            try await trial.begin()
            try await trial.commit(someRecords)
            _ = try await trial.session().prepare(trial.batch([.found("user-9", [.init("e9")]), .absent("user-0")]))
            try await trial.session().abandon()
            try await trial.verify()
            try await trial.commit([.found("user-5", [.init("e5")])])
            try await trial.verify()
        },
        Check("what is prepared isn't visible before it is committed") { trial in
            try await trial.begin()
            try await trial.commit(someRecords)
            _ = try await trial.session().prepare(trial.batch([.found("user-9", [.init("e9")]), .absent("user-0")]))
            try await trial.verifyRows()
        },
        Check("a batch that is prepared when the session closes leaves nothing") { trial in
            try await trial.begin()
            try await trial.commit(someRecords)
            _ = try await trial.session().prepare(trial.batch([.found("user-9", [.init("e9")]), .absent("user-0")]))
            await trial.close()
            try await trial.verify()
            try await trial.commit([.absent("user-9")])
            try await trial.verify()
        },
        Check("a checkpoint comes back as it was written") { trial in
            try await trial.begin()
            let progress = RunProgress(
                nextOrdinal: 123_456_789_012, inputEnded: true,
                position: Position(token: "exports/ü \"1\".gz", offset: .max, member: 1 << 40, line: 77),
                parked: [
                    ParkedRecord(ordinal: 3, position: .start),
                    ParkedRecord(ordinal: 9, position: Position(token: "k\n\u{1F600}", offset: 12, line: 2)),
                ],
                inputHash: String(repeating: "ab", count: 32), sourceState: #"{"rate":12.5}"#)
            try await trial.commit(someRecords, progress: progress)
            try await trial.verify()
            await trial.close()
            try await trial.verify()
        },
        Check("counts add up in checkpoint and run") { trial in
            try await trial.begin()
            for number in 0..<3 {
                try await trial.commit([.found("user-\(number)", [.init("e1")]), .failed("user-7")])
            }
            let state = try await trial.session().state()
            try trial.expect(state.checkpoint?.counts, await trial.checkpoint?.counts, "the checkpoint's counts")
            try trial.expect(state.lastRun?.counts, await trial.checkpoint?.counts, "the run's counts")
            try trial.expect(state.checkpoint?.counts.records, 6, "records")
        },
        Check("an empty batch is a commit") { trial in
            try await trial.begin()
            try await trial.commit([])
            try await trial.commit([])
            try await trial.verify()
        },
        Check("a batch out of turn is refused and changes nothing") { trial in
            try await trial.begin()
            try await trial.commit(someRecords)
            for number in [0, 1, 3, -1] {
                var batch = await trial.batch([.found("user-9", [.init("e9")])])
                batch.commitNumber = number
                try await trial.expectError(.software, "commit \(number) after commit 1") {
                    try await trial.session().prepare(batch)
                }
            }
            try await trial.verify()
            try await trial.commit([.found("user-9", [.init("e9")])])
            try await trial.verify()
        },
        Check("a second run of the same pipeline and shard is locked out") { trial in
            try await trial.begin()
            // A store may know that it is held by this very process, which waiting doesn't mend.
            let error = try await trial.expectError(.temporary, or: .configuration, "a second session") {
                try await trial.open()
            }
            if error.message.isEmpty { throw trial.failure("the error doesn't say who holds the lock") }
            // The first one isn't disturbed.
            try await trial.commit(someRecords)
            await trial.close()
            try await trial.open().close()
            try await trial.verify()
        },
        Check("a run completes when that is committed, not before") { trial in
            try await trial.begin()
            try await trial.commit(someRecords)
            _ = try await trial.session().prepareCompletion(state: .complete, finishedAt: SinkTrial.finishedAt)
            try await trial.session().abandon()
            try trial.expect(await trial.session().state().lastRun?.state, .running, "the run's state when abandoned")
            try await trial.complete()
            var expected = SinkTrial.run(SinkTrial.runID)
            expected.state = .complete
            expected.finishedAt = SinkTrial.finishedAt
            expected.counts = try await trial.session().state().checkpoint?.counts ?? RunCounts()
            try trial.expect(await trial.session().state().lastRun, expected, "the run")
            await trial.close()
            try trial.expect(await trial.session().run(withID: SinkTrial.runID), expected, "the run, reopened")
            try await trial.verify()
        },
        Check("an unfinished run can be abandoned, a complete one stays complete") { trial in
            try await trial.begin()
            try await trial.commit(someRecords)
            try await trial.abandonRun()
            try await trial.verify()
            try await trial.begin(SinkTrial.laterRun())
            try await trial.complete()
            try await trial.session().abandonRun(SinkTrial.laterRun())
            try await trial.verify()
            try trial.expect(await trial.session().state().lastRun?.state, .complete, "the complete run's state")
            try trial.expect(
                await trial.session().run(withID: SinkTrial.runID)?.state, .abandoned, "the first run's state")
        },
        Check("a run that begins again starts from nothing") { trial in
            try await trial.begin()
            try await trial.commit([.failed("user-1"), .failed("user-2")])
            try await trial.complete()
            var expected = SinkTrial.run(SinkTrial.runID)
            expected.counts = counts(of: try await trial.begin())
            try trial.expect(await trial.session().state().lastRun, expected, "the run")
            try trial.expect(await trial.session().state().checkpoint, await trial.checkpoint, "the checkpoint")
            try await trial.verify()
            try await trial.commit([.failed("user-3")])
            try await trial.complete()
            try await trial.verify()
        },
        Check("a run goes on in another session") { trial in
            try await trial.begin()
            for number in 0..<3 {
                try await trial.commit([.found("user-\(number)", [.init("e\(number)")]), .failed("user-9")])
                await trial.close()
                try await trial.verify()
            }
            await trial.close()
            try await trial.complete()
            await trial.close()
            try await trial.verify()
        },
        Check("a completion that is prepared and given up changes nothing and can be done again") { trial in
            try await trial.run([someRecords])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("user-5", [.init("e5")]), .failed("user-6")])
            _ = try await trial.session().prepareCompletion(state: .complete, finishedAt: SinkTrial.finishedAt)
            try await trial.verifyRows()
            try await trial.session().abandon()
            try await trial.verify()
            _ = try await trial.session().prepareCompletion(state: .complete, finishedAt: SinkTrial.finishedAt)
            await trial.close()
            try await trial.verify()
            try await trial.commit([.found("user-7", [.init("e7")])])
            try await trial.complete()
            try await trial.verify()
        },
    ]

    /// A found, an absent and a failed user.
    static let someRecords: [SinkFixture.Record] = [
        .found(
            "user-0",
            [
                .init(
                    "e0", address: "a@example.com", effectiveDate: "2026-01-02T03:04:05.678Z", latitude: 1.5,
                    extra: #"{"a":1}"#, attributes: ["b": ["1", "2"], "a": ["x"]], metrics: ["m": 0.25]),
                .init("e1"),
            ]),
        .absent("user-1"),
        .failed("user-2"),
    ]
}
