internal import PipelineCore

extension SinkConformance {
    /// Who may write where.
    static let ownership: [Check] = [
        Check("another mode than the store's is refused") { trial in
            try await trial.run([someRecords])
            await trial.close()
            for mode in try trial.otherModes() {
                let error = try await trial.expectError(.configuration, "mode \(mode.rawValue)") {
                    try await trial.open(mode: mode)?.close()
                }
                if !error.message.contains(trial.mode.rawValue) {
                    throw trial.failure("the error doesn't name the store's mode: \(error.message)")
                }
            }
            try await trial.verify()
            try await trial.run(SinkTrial.laterRun(), [[.found("u", [full("e1")])]])
            try await trial.verify()
        }
    ]

    /// What several sessions may do in one store with keys at the same time.
    static func sharing(_ mode: WriteMode) -> [Check] {
        switch mode {
        case .merge, .append: [shards, pipelines]
        // No single shard may publish for all, and no pipeline for another.
        case .replace: []
        }
    }

    private static let shards = Check("two shards write into one store in turn") { trial in
        try await trial.begin()
        let other = try await trial.open(shard: 1)
        var both = await trial.model
        do {
            let first: [SinkFixture.Record] = [.found("u", [full("e1")]), .failed("x")]
            try await trial.commit(first)
            _ = both.write(first, firstOrdinal: 0, runID: SinkTrial.runID)
            // The second shard begins the same run when the first one has rows in it.
            try trial.expect(await other.state().lastRun, nil, "the other shard's last run")
            _ = try await other.begin(SinkTrial.run(SinkTrial.runID), fingerprint: "fingerprint-1")
            both.begin(SinkTrial.runID, shard: 1)
            let second: [SinkFixture.Record] = [.found("v", [full("e2")]), .failed("y")]
            _ = try await other.prepare(
                SinkFixture.batch(
                    second, commitNumber: 1, firstOrdinal: 0, runID: SinkTrial.runID, shard: 1, mode: trial.mode))
            try await other.commit()
            _ = both.write(second, firstOrdinal: 0, runID: SinkTrial.runID, shard: 1)
            try trial.expect(await other.state().checkpoint?.commitNumber, 1, "the other shard's commit")
            try trial.expect(
                await trial.session().state().checkpoint, await trial.checkpoint, "the first's checkpoint")
        } catch {
            await other.close()
            throw error
        }
        await other.close()
        for table in trial.tables { try await trial.verify(table, holds: both.rows(of: table)) }
    }

    private static let pipelines = Check("two pipelines write into one store, each with a checkpoint of its own") {
        trial in
        let runID = "other-20261123T000000Z"
        try await trial.begin()
        try await trial.commit(someRecords)
        let other = try await trial.open(pipeline: "other")
        var both = await trial.model
        do {
            try trial.expect(await other.state().lastRun, nil, "the other pipeline's last run")
            _ = try await other.begin(SinkTrial.run(runID), fingerprint: "fingerprint-2")
            both.begin(runID)
            // In `merge` the user has rows of the other pipeline's run by now.
            let records: [SinkFixture.Record] = [.found("user-0", [full("e1")]), .failed("y")]
            let observed = try await other.observations(
                preparing: SinkFixture.batch(records, commitNumber: 1, firstOrdinal: 0, runID: runID, mode: trial.mode))
            try await other.commit()
            var expected = both.write(records, firstOrdinal: 0, runID: runID)
            if observed.changes == nil { expected.changes = nil }
            try trial.expect(observed, expected, "observations of the other pipeline's commit")
            try trial.expect(await other.run(withID: SinkTrial.runID), nil, "the first's run, asked of the other")
            try trial.expect(
                await trial.session().state().checkpoint, await trial.checkpoint, "the first's checkpoint")
            _ = try await other.prepareCompletion(state: .complete, finishedAt: SinkTrial.finishedAt)
            try await other.commit()
        } catch {
            await other.close()
            throw error
        }
        await other.close()
        for table in trial.tables { try await trial.verify(table, holds: both.rows(of: table)) }
        try trial.expect(await trial.session().state().lastRun?.state, .running, "the first's state")
    }
}
