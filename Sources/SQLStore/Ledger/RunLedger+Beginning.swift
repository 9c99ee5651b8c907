internal import PipelineCore

/// What a store has of an earlier execution of the run that begins.
enum EarlierExecution {
    /// Nothing is known of one; rows may be there.
    case unknown
    /// This shard has begun the run before.
    case ofThisShard
    /// Other shards have their part in the run, and which of its rows are whose can't be told.
    case ofOtherShards
}

extension RunLedger {
    /// The run to begin that the store may have already.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where this shard would have to remove rows of its earlier execution
    ///   which can't be told from those of other shards.
    func earlierExecution(ofRun runID: String, mode: WriteMode) throws -> EarlierExecution {
        let isKnown = try run(withID: runID) != nil
        guard try hasOtherShards(ofRun: runID) else { return isKnown ? .ofThisShard : .unknown }
        guard mode.keepsRunsApart, isKnown else { return .ofOtherShards }
        throw PipelineError(
            .configuration,
            "\(database.place): run \(runID) has been written by other shards too, so shard \(shard) can't be done again in "
                + "mode 'append': its rows can't be told from theirs",
            hint: "Begin all shards with another --logical-date, or delete the run's rows and its rows in sluice_runs.")
    }

    /// Clears what an earlier execution of the same run left: its failures, and in `append` its rows. In `merge` its rows
    /// become an earlier run's: they get the ordinal -1, before all that this execution writes.
    ///
    /// - Parameter after: is told each step, for tests.
    /// - Throws: `PipelineError` of kind `.configuration` where rows of other shards stand among those that would have to go.
    public func clear(
        _ runID: String, _ layout: StoreLayout, after: (ClearingStep) throws -> Void = { _ in }
    ) throws {
        let earlier = try earlierExecution(ofRun: runID, mode: layout.mode)
        if let failures = StoredFailures(database, layout) { try failures.removeAll(ofRun: runID) }
        let condition = "WHERE run_id = \(database.parameter(1))"
        if layout.mode.keepsRunsApart, earlier != .ofOtherShards {
            // Those that refer to others go first.
            for table in layout.parentsFirst.reversed() where table.index(of: "run_id") != nil {
                try database.rows("DELETE FROM \(database.name(table.name)) \(condition)", [runID])
                try after(.deletion)
            }
        } else if layout.mode.mergesWithEarlierRuns, earlier == .ofThisShard {
            for table in layout.parentsFirst
            where table.index(of: "run_id") != nil && table.index(of: "ordinal") != nil {
                try database.rows("UPDATE \(database.name(table.name)) SET ordinal = -1 \(condition)", [runID])
            }
            try after(.givingBack)
        }
    }

    /// A step of clearing that is done.
    public enum ClearingStep: Sendable {
        case deletion
        case givingBack
    }
}
