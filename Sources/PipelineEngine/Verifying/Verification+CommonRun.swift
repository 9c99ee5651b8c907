internal import PipelineCore

/// Which run is compared, and which sinks' rows can be.
extension Verification {
    func exclusion(_ store: Store, alone: Bool) -> String? {
        if store.isTransformed { return "it has transforms of its own, so its rows are other ones" }
        return alone ? "there is no other sink to compare it with" : nil
    }

    func neighbours(of store: Store) -> String? {
        guard store.sink.mode.mergesWithEarlierRuns, !store.stored.neighbours.isEmpty else { return nil }
        let names = store.stored.neighbours.map { "'\($0)'" }.joined(separator: ", ")
        return
            "sink '\(store.sink.name)' shares its tables with pipeline \(names): rows that it has taken over are missing here"
    }

    /// The newest run that is complete in every sink, and whose rows all of them still have.
    func commonRun(_ stores: [Store]) throws -> StoredRunGroup {
        for store in stores where !store.groups.contains(where: { $0.state.isPublished }) {
            throw PipelineError(
                .noInput, "sink '\(store.sink.name)' has no complete run of pipeline '\(plan.pipeline)'",
                hint: "Run the pipeline to its end first; sluice status says how it stands.")
        }
        let complete = stores[0].groups.last { group in
            group.state.isPublished
                && stores.allSatisfy { store in
                    store.groups.contains { $0.runID == group.runID && $0.state.isPublished }
                }
        }
        guard let run = complete else {
            throw PipelineError(
                .noInput, "no run of pipeline '\(plan.pipeline)' is complete in every sink",
                hint: "Run the pipeline to its end first; sluice status says how it stands.")
        }
        for store in stores { try check(store, run) }
        return run
    }

    /// - Throws: `PipelineError` of kind `.temporary` where a sink has other rows by now than the run's.
    private func check(_ store: Store, _ run: StoredRunGroup) throws {
        let name = store.sink.name
        guard let place = store.groups.firstIndex(where: { $0.runID == run.runID }) else { return }
        guard isOfAnyExecution || store.groups[place].startedAt == run.startedAt else {
            throw PipelineError(
                .temporary, "run \(run.runID) was done again, but sink '\(name)' has another execution of it",
                hint: "Run the pipeline to its end, and verify again.")
        }
        // In `append` and in files each run's rows stand for themselves; a `replace` shows the last complete one.
        for later in store.groups[(place + 1)...] {
            let mode = store.sink.mode
            if mode.keepsRunsApart || mode.publishesAtEnd && !store.stored.isKeyed { continue }
            // Of what waits to be published readers see nothing.
            guard later.state.isPublished || !mode.publishesAtEnd && later.counts.records > 0 else { continue }
            throw PipelineError(
                .temporary,
                "sink '\(name)' has rows of run \(later.runID) (\(later.state.rawValue)) in place of those of \(run.runID), "
                    + "the last run that is complete in every sink",
                hint: "Run the pipeline to its end, and verify again.")
        }
    }
}
