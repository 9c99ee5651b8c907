/// What a sink says that it has prepared, beside what follows from the checkpoint before.
extension Checkpoint {
    /// How a checkpoint that was prepared differs from this one advanced by a batch, as clauses that follow the sink's name.
    /// None where it is right: what the sink alone can count is taken from it.
    public func differences(of prepared: Checkpoint, after batch: Batch) -> [String] {
        let observed = prepared.counts - advanced(by: batch, observed: RunCounts()).counts
        return advanced(by: batch, observed: observed.ofSink(mayRefuse: true)).differences(of: prepared)
    }

    /// The same of a run's end.
    public func differencesAtEnd(of prepared: Checkpoint) -> [String] {
        let observed = prepared.counts - counts
        return completed(observed: observed.ofSink(mayRefuse: false)).differences(of: prepared)
    }

    private func differences(of prepared: Checkpoint) -> [String] {
        var clauses: [String] = []
        func compare<Value: Equatable>(_ name: String, _ found: Value, _ expected: Value, tells: Bool = true) {
            if found == expected { return }
            clauses.append(tells ? "\(name) is \(found), not \(expected)" : "\(name) differs")
        }
        compare("run_id", prepared.runID, runID)
        compare("commit_number", prepared.commitNumber, commitNumber)
        compare("next_ordinal", prepared.progress.nextOrdinal, progress.nextOrdinal)
        compare("consumed", prepared.progress.consumed, progress.consumed)
        compare("input_ended", prepared.progress.inputEnded, progress.inputEnded)
        compare("position", prepared.progress.position, progress.position, tells: false)
        compare("parked", prepared.progress.parked, progress.parked, tells: false)
        compare("input_hash", prepared.progress.inputHash, progress.inputHash)
        compare("source_state", prepared.progress.sourceState, progress.sourceState, tells: false)
        compare("fingerprint", prepared.fingerprint, fingerprint)
        for counter in RunCounts.counters { compare(counter.name, prepared.counts[counter], counts[counter]) }
        compare("changes", prepared.counts.changes, counts.changes, tells: false)
        compare("files", prepared.counts.files, counts.files, tells: false)
        for table in (prepared.counts - counts).rows.keys.sorted() {
            compare("rows.\(table)", prepared.counts.rows[table] ?? 0, counts.rows[table] ?? 0)
        }
        return clauses
    }
}

extension RunCounts {
    /// What of these changes a sink may have made by itself.
    ///
    /// - Parameter mayRefuse: Records may have been refused: then endpoints are fewer, and rows others.
    fileprivate func ofSink(mayRefuse: Bool) -> RunCounts {
        var own = RunCounts()
        let hasRefused = mayRefuse && refused > 0
        for counter in Self.counters {
            switch counter.authority {
            case .batch: break
            case .correctedBySink: own[counter] = hasRefused ? min(0, self[counter]) : 0
            case .sink: own[counter] = self[counter]
            }
        }
        own.changes = changes
        if !mayRefuse { own.refused = 0 }
        if hasRefused { own.rows = rows }
        return own
    }
}
