internal import PipelineCore
internal import SQLStore

extension SQLiteSinkSession {
    func prepare(_ batch: Batch) throws -> Checkpoint {
        let store = try opened()
        let last = try store.commits.requireNext(batch)
        try Failpoint.reach("sqlite.prepare.before-transaction")
        do {
            return try prepare(batch, after: last, store) { try $1.write($0, run: last.run) }
        } catch is ConstraintViolation {
            // Savepoints cost, so they are for those who need them.
            return try store.connection.describingViolations {
                try prepare(batch, after: last, store) { batch, writer in
                    let observed = try RecordRefusals(writer, store.connection, last.run).write(
                        batch, store.tables.layout.definitions, runID: last.run.runID, shard: store.ledger.shard)
                    try Failpoint.reach("sqlite.prepare.after-refusals")
                    return observed
                }
            }
        }
    }

    private func prepare(
        _ batch: Batch, after last: CommitState.Commit, _ store: SQLiteStore,
        _ write: (Batch, MergeWriter) throws -> RunCounts
    ) throws -> Checkpoint {
        try inTransaction(store) {
            try store.requireOwnCheckpoint(last)
            let (rest, superseded) = try store.makeRoom(for: batch, runID: last.run.runID)
            var observed = try write(rest, try store.mergeWriter())
            observed.superseded += superseded
            try Failpoint.reach("sqlite.prepare.after-rows")
            let next = last.advanced(by: batch, observed: observed)
            try store.ledger.write(next.checkpoint)
            try store.ledger.update(next.run.counts, ofRun: next.run.runID)
            try Failpoint.reach("sqlite.prepare.after-checkpoint")
            store.commits.prepare(next)
            return next.checkpoint
        }
    }

    func prepareCompletion(state: RunState, finishedAt: String) throws -> Checkpoint {
        let store = try opened()
        let last = try store.commits.requireEnd(state, finishedAt: finishedAt)
        try Failpoint.reach("sqlite.complete.before-transaction")
        let publication = state == .complete ? store.publication(ofRun: last.run.runID) : nil
        try publication?.makeReady()
        return try store.connection.describingViolations {
            try inTransaction(store) {
                try store.requireOwnCheckpoint(last)
                var observed = RunCounts()
                if let publication {
                    try store.requireShadows()
                    observed = try publication.observe()
                    try Failpoint.reach("sqlite.publish.after-count")
                    try publication.swap()
                }
                let end = last.ended(observed: observed)
                if publication != nil {
                    try store.ledger.write(end.checkpoint)
                    try Failpoint.reach("sqlite.publish.after-checkpoint")
                }
                try store.ledger.write(end.run)
                try Failpoint.reach("sqlite.complete.after-run")
                store.commits.prepare(end)
                return end.checkpoint
            }
        }
    }

    func commit() throws {
        let store = try opened()
        let prepared = try store.commits.takePrepared()
        do {
            try Failpoint.reach("sqlite.commit.before")
            try store.connection.checkPresence()
            try store.connection.execute("COMMIT")
        } catch {
            store.connection.rollBack()
            throw error
        }
        // The rows of a run that ends go elsewhere from now on, if any come.
        if prepared.run.state != store.commits.run?.state { store.forgetWriter() }
        store.commits.commit(prepared)
        try Failpoint.reach("sqlite.commit.after")
    }

    /// Begins a transaction that stays open; an error undoes it.
    private func inTransaction<R>(_ store: SQLiteStore, _ body: () throws -> R) throws -> R {
        do {
            return try store.connection.openTransaction {
                try store.connection.checkPresence()
                return try body()
            }
        } catch {
            store.commits.abandon()
            throw error
        }
    }
}
