internal import PipelineCore
internal import SQLStore

/// What the open transaction of a session does, so that it can be done again where its connection is lost.
struct PreparedWork {
    /// Nil where a run's end is prepared.
    var batch: Batch?
    /// What it follows: the last commit; of an end with the run's new state.
    var last: CommitState.Commit
    var next: CommitState.Commit
    /// The connection whose transaction it is.
    var connection: PostgresConnection
}

extension PostgresSinkSession {
    func prepare(_ batch: Batch) throws -> Checkpoint {
        try requireOpen()
        let last = try commits.requireNext(batch)
        try Failpoint.reach("postgres.prepare.before-transaction")
        return try keep(attempting("write a batch") { try write(batch, after: last, $0) })
    }

    func prepareCompletion(state end: RunState, finishedAt: String) throws -> Checkpoint {
        try requireOpen()
        let last = try commits.requireEnd(end, finishedAt: finishedAt)
        try Failpoint.reach("postgres.complete.before-transaction")
        let what = end == .complete && sink.mode.publishesAtEnd ? "publish the run" : "end the run"
        return try keep(attempting(what) { try complete(last, $0) })
    }

    private func keep(_ work: PreparedWork) -> Checkpoint {
        commits.prepare(work.next)
        prepared = work
        return work.next.checkpoint
    }

    func commit() throws {
        let next = try commits.takePrepared()
        guard let work = prepared else {
            throw PipelineError(.software, "\(sink.target): what was prepared is gone")
        }
        prepared = nil
        try Failpoint.reach("postgres.commit.before")
        // A COMMIT whose answer is lost has happened, or hasn't: the checkpoint tells. By then the server process that was
        // to do it is gone, or the lock would still be held.
        var isUnsettled = false
        try attempting("commit") { store in
            if isUnsettled || store.connection !== work.connection {
                if try isCommitted(work, store) { return }
                let again = try work.batch.map { try write($0, after: work.last, store) } ?? complete(work.last, store)
                guard again.next.checkpoint == work.next.checkpoint else {
                    throw PipelineError(
                        .unavailable,
                        "\(sink.target): the connection was lost before a commit, and meanwhile others changed the rows "
                            + "that it replaces",
                        hint: "Nothing of the batch is written. Run again: the run goes on behind its last commit.")
                }
            }
            isUnsettled = true
            try store.connection.commit()
            do { try Failpoint.reach("postgres.commit.lost-answer") } catch {
                store.connection.close()
                throw PostgresFailure(sqlState: nil, message: "failpoint", isDisconnected: true)
            }
        }
        commits.commit(next)
        try Failpoint.reach("postgres.commit.after")
    }

    /// Writes a batch in a transaction that stays open.
    private func write(_ batch: Batch, after last: CommitState.Commit, _ store: PostgresStore) throws -> PreparedWork {
        try store.writer.places.check(batch)
        try store.writer.prepareStaging()
        try store.connection.execute(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL enable_hashjoin = off; "
                + "SET LOCAL enable_mergejoin = off")
        try expect(last, store)
        // A `replace` that readers see is amended where it is.
        store.writer.isPublished = sink.mode.publishesAtEnd && last.run.state.isPublished
        let (rest, superseded) = try store.writer.makeRoom(for: batch, runID: last.run.runID, store.failures)
        var observed = try store.writer.write(rest, run: last.run, shard: context.shard)
        observed.superseded += superseded
        if !sink.mode.mergesWithEarlierRuns {
            // Only `merge` removes other runs' rows.
            observed.previousEndpoints = 0
            observed.removed = 0
        }
        try Failpoint.reach("postgres.prepare.after-rows")
        let next = last.advanced(by: batch, observed: observed)
        try store.ledger.write(next.checkpoint)
        try store.ledger.update(next.run.counts, ofRun: next.run.runID)
        try Failpoint.reach("postgres.prepare.after-checkpoint")
        return PreparedWork(batch: batch, last: last, next: next, connection: store.connection)
    }

    /// Writes a run's end in a transaction that stays open.
    private func complete(_ last: CommitState.Commit, _ store: PostgresStore) throws -> PreparedWork {
        try store.connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        try expect(last, store)
        var observed = RunCounts()
        if last.run.state.isPublished, sink.mode.publishesAtEnd {
            observed = try Publication(store.connection, store.tables).publish(
                pipeline: context.pipeline, runID: last.run.runID)
        }
        let next = last.ended(observed: observed)
        try store.ledger.write(next.run)
        try store.ledger.write(next.checkpoint)
        try Failpoint.reach("postgres.complete.after-run")
        return PreparedWork(last: last, next: next, connection: store.connection)
    }

    /// Locks the checkpoint, which must be the one that this session committed last.
    private func expect(_ last: CommitState.Commit, _ store: PostgresStore) throws {
        let found = try store.ledger.checkpoint(isLocking: true)
        guard last.isAt(found) else { throw moved(found) }
    }

    /// Whether what was prepared is in the database.
    ///
    /// - Throws: `PipelineError` where neither it nor what was before is.
    private func isCommitted(_ work: PreparedWork, _ store: PostgresStore) throws -> Bool {
        let found = try store.ledger.checkpoint()
        if work.batch == nil {
            guard work.next.isAt(found) else { throw moved(found) }
            let stored = try store.ledger.run(withID: work.next.run.runID)
            return stored?.state == work.next.run.state && stored?.finishedAt == work.next.run.finishedAt
        }
        if work.next.isAt(found) { return true }
        guard work.last.isAt(found) else { throw moved(found) }
        return false
    }

    private func moved(_ found: Checkpoint?) -> PipelineError {
        PipelineError(
            .unavailable,
            "\(sink.target): the checkpoint of pipeline '\(context.pipeline)' is no longer where this run left it: "
                + (found.map { "it is at commit \($0.commitNumber) of run \($0.runID)" } ?? "there is none"),
            hint: "Somebody restored the database, or another run wrote to it. Run again to go on from what is there.")
    }
}
