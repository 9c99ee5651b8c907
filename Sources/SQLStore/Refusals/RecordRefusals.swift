public import PipelineCore

/// Writes a batch of which a store's own constraints and triggers don't admit everything: the records that they refuse are
/// found and left out, the rest is written.
///
/// What is stored of a refused record's user stays as it is.
public struct RecordRefusals {
    /// Writes some of a batch's records, or throws and has written nothing.
    private let write: (Batch) throws -> RunCounts
    /// Runs its argument and undoes all that it has written.
    private let undoing: (() throws -> Void) throws -> Void
    /// What the store said where an error is about the content of rows; nil for any other error.
    private let reason: (any Error) -> String?

    public init(
        write: @escaping (Batch) throws -> RunCounts,
        undoing: @escaping (() throws -> Void) throws -> Void,
        reason: @escaping (any Error) -> String?
    ) {
        self.write = write
        self.undoing = undoing
        self.reason = reason
    }

    /// Writes a batch; where that is refused, what is left of it without the records that are to blame, each of which gets
    /// a row among the failures. Takes about 2 × log2(records) further attempts for each of them.
    ///
    /// - Throws: the store's own error where no record is to blame for it, or none can be told from the others.
    public func write(
        _ batch: Batch, _ tables: [TableDefinition], runID: String, shard: Int
    ) throws -> RunCounts {
        do { return try write(batch) } catch {
            guard reason(error) != nil, let records = BatchRecords(batch, tables) else { throw error }
            return try writeRest(records, tables, after: error, runID: runID, shard: shard)
        }
    }

    private func writeRest(
        _ records: BatchRecords, _ tables: [TableDefinition], after first: any Error, runID: String, shard: Int
    ) throws -> RunCounts {
        var refused: [Int64: String] = [:]
        var last = first
        while true {
            // One record may be in another's way, and the two may be refused in turn: each time at least one goes.
            let before = refused.count
            let candidates = records.ordinals.filter { refused[$0] == nil }
            try undoing { try search(records, candidates[...], tables, &refused) }
            guard refused.count > before else { throw last }
            let rest = records.refusing(refused, runID: runID, shard: shard)
            do {
                var observed = try write(rest)
                observed += records.corrections(rest, refused: refused.count)
                return observed
            } catch {
                guard reason(error) != nil else { throw error }
                last = error
            }
        }
    }

    /// Finds records that aren't admitted beside those before them.
    private func search(
        _ records: BatchRecords, _ ordinals: ArraySlice<Int64>, _ tables: [TableDefinition],
        _ refused: inout [Int64: String]
    ) throws {
        guard let first = ordinals.first else { return }
        let part = records.keeping(ordinals)
        do { _ = try write(part) } catch {
            guard let reason = reason(error) else { throw error }
            if ordinals.count == 1 {
                refused[first] = reason
                return
            }
            // Each half is cut out of its own part: a batch is never gone through as often as it has records.
            guard let parts = BatchRecords(part, tables) else { throw error }
            let middle = ordinals.startIndex + ordinals.count / 2
            try search(parts, ordinals[..<middle], tables, &refused)
            try search(parts, ordinals[middle...], tables, &refused)
        }
    }
}
