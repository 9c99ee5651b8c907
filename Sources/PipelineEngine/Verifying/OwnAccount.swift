internal import PipelineCore

/// What a sink says of its own rows of a run: in its files' manifest, and in the run's counts.
struct OwnAccount {
    let store: Verification.Store
    let run: StoredRunGroup
    let stored: StoreAccount

    /// How the rows that were found differ from that, as a clause; nil where they don't.
    func fault(_ side: TableComparison.Side) -> String? {
        let (name, rows) = (side.table.name, side.digest.rows)
        if let expected = stored.rows[name], expected != rows {
            return "table '\(name)' has \(rows) rows, not \(expected) as its manifest says"
        }
        guard let expected = expected(side.table), expected != rows else { return nil }
        return "table '\(name)' has \(rows) rows, not \(expected) as its run's counts say"
    }

    /// Nil where the counts don't tell: of a user who was asked for twice they count both rows, and of an endpoint that gave
    /// way its parts too.
    private func expected(_ table: TableDefinition) -> Int? {
        let counts = run.counts
        let written = counts.rows[table.name] ?? 0
        guard store.stored.isKeyed else { return written }
        // Other pipelines take rows over.
        if store.sink.mode.mergesWithEarlierRuns, !store.stored.neighbours.isEmpty { return nil }
        switch table.role {
        case .failures: return written
        case .endpoints: return counts.endpoints - counts.superseded
        case .endpointParts: return counts.superseded == 0 ? written : nil
        case .users, .ledger: return nil
        }
    }
}
