internal import PipelineCore

extension SinkConformance {
    /// What `merge` means, beyond what holds in every mode.
    static let merge: [Check] = [
        Check("rows of earlier runs are previous, rows of this run are superseded") { trial in
            try await trial.begin()
            try await trial.commit([.found("u", [full("e1"), full("e2")]), .found("v", [full("e3")])])
            try await trial.complete()
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.found("u", [full("e1")])])
            try await trial.commit([.found("u", [full("e1")]), .absent("v")])
            let counts = try await trial.session().state().checkpoint?.counts
            try trial.expect(counts?.previousEndpoints, 3, "previous endpoints")
            try trial.expect(counts?.removed, 2, "removed")
            try trial.expect(counts?.superseded, 1, "superseded")
            try await trial.verify()
        }
    ]
}
