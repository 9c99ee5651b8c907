internal import PipelineCore

extension SinkConformance {
    /// What `append` means, beyond what holds in every mode.
    static let append: [Check] = [
        Check("runs stand beside each other") { trial in
            for number in 1...3 {
                try await trial.run(
                    SinkTrial.laterRun(number),
                    [
                        [.found("u", [full("e1"), full("e2")])],
                        [.absent("v"), .found("w", [full("e3")]), .failed("x")],
                    ])
                try await trial.verify()
            }
        },
        Check("a key that comes again within a run counts once, with its later parts") { trial in
            try await trial.run([[.line("u", full("e1")), .line("u", full("e2"))]])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.line("u", full("e1")), .line("u", full("e2"))])
            try await trial.commit([.line("v", .init("e1", attributes: ["z": ["only"]]))])
            try await trial.verify()
            try trial.expect(
                await trial.session().state().checkpoint?.counts.superseded, trial.isKeyed ? 1 : 0, "superseded")
            try await trial.complete()
            try await trial.verify()
        },
        Check("a user that is fetched again is replaced in this run alone") { trial in
            try await trial.run([[.found("u", [full("e1"), full("e2"), full("e3")])]])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("u", [full("e1"), full("e2")])])
            try await trial.commit([.found("u", [.init("e2", metrics: ["m": 9])])])
            try await trial.verify()
            try await trial.commit([.absent("u")])
            try await trial.complete()
            try await trial.verify()
        },
        Check("rows of other runs are neither counted nor touched") { trial in
            try await trial.run([[.found("u", [full("e1"), full("e2")]), .found("v", [full("e3")])]])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("u", [full("e1")]), .found("v", [])])
            try await trial.commit([.found("u", [full("e1")]), .absent("v"), .found("w", [full("e3")])])
            try await trial.complete()
            let counts = try await trial.session().state().checkpoint?.counts
            try trial.expect(counts?.previousEndpoints, 0, "previous endpoints")
            try trial.expect(counts?.removed, 0, "removed")
            try trial.expect(counts?.superseded, trial.isKeyed ? 1 : 0, "superseded")
            try await trial.verify()
        },
        Check("a run that begins again replaces its own rows alone") { trial in
            let records: [SinkFixture.Record] = [
                .found("u", [full("e1"), full("e2")]), .found("v", [full("e3")]), .absent("w"), .failed("x"),
            ]
            for number in 1...3 { try await trial.run(SinkTrial.laterRun(number), [records]) }
            try await trial.begin(SinkTrial.laterRun(2))
            try await trial.verify()
            try await trial.commit([.found("u", [.init("e9")]), .failed("u")])
            await trial.close()
            try await trial.verify()
            try await trial.complete()
            try await trial.verify()
            // Once more, and given up in the middle.
            try await trial.begin(SinkTrial.laterRun(2))
            try await trial.commit([.found("v", [full("e3")])])
            try await trial.abandonRun()
            try await trial.verify()
        },
        Check("a run that is given up in the middle can begin again") { trial in
            try await trial.run([someRecords])
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("u", [full("e1"), full("e2")]), .absent("v"), .failed("w")])
            try await trial.abandonRun()
            await trial.close()
            try await trial.verify()
            try await trial.begin(SinkTrial.laterRun())
            try await trial.verify()
            try await trial.commit([.found("u", [full("e2")]), .found("v", [full("e4")])])
            try await trial.complete()
            try await trial.verify()
        },
        Check("a run without records adds nothing") { trial in
            try await trial.run([someRecords])
            try await trial.run(SinkTrial.laterRun(), [[]])
            try await trial.verify()
        },
    ]
}
