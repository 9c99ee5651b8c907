public import PipelineCore

/// What came of reading a sink's changed rows.
public struct ChangedRowsAccount: Sendable {
    /// Why they couldn't be read, or not to their end.
    public var error: PipelineError?
    /// What whoever follows them has to know: clauses for people, without values of rows.
    public var notes: [String] = []
}

extension RunPlan {
    /// Reads the rows that have changed in a sink's store, as a copy of its tables is to apply them. No more of them than
    /// some buffers are held.
    ///
    /// - Parameters:
    ///   - since: the first logical date of what is read; nil for what the last complete run changed.
    ///   - begin: is told the tables that changes refer to.
    ///   - take: takes the next changes; false where no more are wanted.
    public func changedRows(
        of planned: PlannedSink, since: Timestamp?, begin: ([TableDefinition]) -> Void,
        take: ([StoredChange]) async throws -> Bool
    ) async -> ChangedRowsAccount {
        var account = ChangedRowsAccount()
        let status = await status(of: planned) { reader, status in
            guard let last = status.last else {
                account.notes.append("there is no run yet, so nothing has changed")
                return
            }
            guard let window = ChangeWindow(of: status.changing(since: since), since: since) else {
                account.notes.append(
                    "no run is complete yet; --since tells also what \(last.runID) has changed so far, which is "
                        + last.stateText)
                return
            }
            let reader = try Self.changeReader(reader, of: planned)
            let undated = try await reader.undatedEndpoints()
            if undated > 0 { account.notes.append(Self.undatedNote(undated)) }
            begin(try await reader.readChanges(in: window))
            while true {
                let changes = try await reader.nextChanges()
                if changes.isEmpty { return }
                guard try await take(changes) else { return }
            }
        }
        account.error = status.error
        return account
    }

    private static func undatedNote(_ count: Int) -> String {
        let (what, them) = count == 1 ? ("1 endpoint has", "it") : ("\(count) endpoints have", "them")
        return
            "\(what) no changed_at: an earlier version wrote \(them), and nothing has changed \(them) since, so no date "
            + "finds \(them). Give \(them) one, after a run of this version: "
            + "UPDATE endpoints SET changed_at = logical_date WHERE changed_at IS NULL"
    }
}
