internal import PipelineCore

extension SinkConformance {
    /// What `replace` means, beyond what holds in every mode.
    static let replace: [Check] = [
        Check("readers see the old content until a run completes, and exactly the new one after") { trial in
            try await trial.run([someRecords])
            try await trial.verify()
            try await trial.begin(SinkTrial.laterRun())
            try await trial.verify()
            try await trial.commit([.found("user-0", [full("e0")]), .found("user-1", [full("e1")]), .failed("user-3")])
            try await trial.verify()
            try await trial.commit([.found("user-1", [full("e4"), full("e5")]), .absent("user-8")])
            await trial.close()
            try await trial.verify()
            try await trial.complete()
            try await trial.verify()
            await trial.close()
            try await trial.verify()
        },
        Check("endpoints that the new content lacks are counted at the completion, by key") { trial in
            try await trial.run([[.found("u", [full("e1"), full("e2")])], [.found("v", [full("e3")])]])
            try trial.expect(await trial.session().state().lastRun?.counts.removed, 0, "removed by the first run")
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("w", [full("e2")]), .absent("u"), .found("x", [full("e4")])])
            let under = try await trial.session().state().checkpoint?.counts
            try trial.expect(under?.previousEndpoints, 0, "previous endpoints before the completion")
            try await trial.complete()
            let state = try await trial.session().state()
            try trial.expect(state.checkpoint?.counts.previousEndpoints, 3, "previous endpoints")
            // Without keys only the numbers can be compared: 3 before, 2 now.
            try trial.expect(state.checkpoint?.counts.removed, trial.isKeyed ? 2 : 1, "removed")
            try trial.expect(state.lastRun?.counts.removed, trial.isKeyed ? 2 : 1, "removed by the run")
            try await trial.verify()
        },
        Check("a run that isn't published keeps the old content, and a later session can publish it") { trial in
            try await trial.run([someRecords])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("user-0", [full("e0")]), .failed("user-1"), .failed("user-4")])
            _ = try await trial.session().prepareCompletion(state: .unpublished, finishedAt: SinkTrial.finishedAt)
            try await trial.session().abandon()
            try await trial.verify()
            try await trial.complete(.unpublished)
            try await trial.verify()
            await trial.close()
            try await trial.verify()
            _ = try await trial.session().prepareCompletion(state: .complete, finishedAt: SinkTrial.finishedAt)
            try await trial.verifyRows()
            try await trial.session().abandon()
            try await trial.verify()
            try await trial.complete()
            try await trial.verify()
            await trial.close()
            try await trial.verify()
            try trial.expect(
                await trial.session().run(withID: SinkTrial.laterRun())?.state, .complete, "the run's state")
        },
        Check("a run that is given up leaves the old content, and the next one starts from nothing") { trial in
            try await trial.run([someRecords])
            for (number, isUnpublished) in [false, true].enumerated() {
                try await trial.begin(SinkTrial.laterRun(2 * number + 1))
                try await trial.commit([.found("stale", [full("stale"), full("e0")]), .absent("gone"), .failed("f")])
                if isUnpublished { try await trial.complete(.unpublished) }
                await trial.close()
                try await trial.abandonRun()
                try await trial.verify()
                await trial.close()
                try await trial.verify()
                try await trial.run(SinkTrial.laterRun(2 * number + 2), [[.found("user-0", [full("e\(number)")])]])
                try await trial.verify()
            }
        },
        Check("a run that is given up in the middle can begin again") { trial in
            try await trial.run([someRecords])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("stale", [full("stale"), full("e0")]), .failed("f")])
            try await trial.abandonRun()
            try await trial.begin(SinkTrial.laterRun())
            try await trial.verify()
            try await trial.commit([.found("user-0", [full("e9")])])
            try await trial.complete()
            try await trial.verify()
        },
        Check("a complete run that begins again stays until it completes again") { trial in
            try await trial.run([someRecords])
            try await trial.begin()
            try await trial.verify()
            try await trial.commit([.found("user-0", [full("e0")]), .found("user-6", [full("e6")]), .failed("user-7")])
            await trial.close()
            try await trial.verify()
            try await trial.complete()
            try await trial.verify()
            // Once more, and given up in the middle.
            try await trial.begin()
            try await trial.commit([.found("user-6", [full("e7")])])
            try await trial.abandonRun()
            try await trial.verify()
        },
        Check("failures of other runs go when a run is published") { trial in
            try await trial.run([[.failed("a"), .failed("b")]])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.failed("c")])
            try await trial.abandonRun()
            try await trial.verify()
            try await trial.begin(SinkTrial.laterRun(2))
            try await trial.commit([.failed("d"), .found("u", [full("e1")])])
            try await trial.verify()
            try await trial.complete()
            try await trial.verify()
            let failure = SinkFixture.failureRow("d", ordinal: 0, runID: SinkTrial.laterRun(2), shard: 0)
            try await trial.verify(SinkFixture.failures, holds: [failure])
        },
        Check("a run without records publishes nothing, in place of everything") { trial in
            try await trial.run([someRecords])
            try await trial.run(SinkTrial.laterRun(), [[]])
            for table in trial.tables { try await trial.verify(table, holds: []) }
            try await trial.verify()
            try await trial.run(SinkTrial.laterRun(2), [[.found("u", [full("e1")])], []])
            try await trial.verify()
        },
        Check("the second of two pipelines is refused") { trial in
            try await trial.run([someRecords])
            await trial.close()
            try await trial.expectError(.configuration, "another pipeline at the store of a replace") {
                try await trial.open(pipeline: "other").close()
            }
            try await trial.verify()
            try await trial.run(SinkTrial.laterRun(), [[.found("u", [full("e1")])]])
            try await trial.verify()
        },
    ]
}
