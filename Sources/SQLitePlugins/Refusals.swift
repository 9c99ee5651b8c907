internal import PipelineCore

/// Writes a batch of which the database's own constraints and triggers don't admit everything: the records that they
/// refuse are found and left out, the rest is written.
///
/// What is stored of a refused record's user stays as it is.
struct Refusals {
    let writer: MergeWriter
    let connection: SQLiteConnection
    /// Under the names that readers know.
    let tables: [TableDefinition]
    let runID: String
    let shard: Int

    /// In a transaction that is the caller's.
    ///
    /// - Throws: the violation where no record is to blame for it.
    func write(_ batch: Batch) throws -> SinkObservations {
        var refused: [Int64: ConstraintViolation] = [:]
        while true {
            guard let records = BatchRecords(batch, tables) else { return try writer.write(batch, runID: runID) }
            let rest = records.refusing(refused, runID: runID, shard: shard)
            let violation: ConstraintViolation
            do {
                var observed = try connection.savepoint { try writer.write(rest, runID: runID) }
                try Failpoint.reach("sqlite.prepare.after-refusals")
                let corrections = records.corrections(rest, refused: refused.count)
                observed.refused = corrections.refused
                observed.endpointCorrection = corrections.endpointCorrection
                observed.rowCorrections = corrections.rowCorrections
                return observed
            } catch let error as ConstraintViolation {
                violation = error
            }
            // One record may be in another's way, and the two may be refused in turn: each time at least one goes.
            let before = refused.count
            try search(records, records.ordinals.filter { refused[$0] == nil }, &refused)
            guard refused.count > before else { throw violation }
        }
    }

    /// Finds records that aren't admitted beside those in front of them; leaves nothing written.
    private func search(
        _ records: BatchRecords, _ ordinals: [Int64], _ refused: inout [Int64: ConstraintViolation]
    ) throws {
        struct Done: Error {}
        do {
            try connection.savepoint {
                try search(records, ordinals[...], &refused)
                throw Done()
            }
        } catch is Done {}
    }

    private func search(
        _ records: BatchRecords, _ ordinals: ArraySlice<Int64>, _ refused: inout [Int64: ConstraintViolation]
    ) throws {
        guard let first = ordinals.first else { return }
        do {
            _ = try connection.savepoint { try writer.write(records.keeping(ordinals), runID: runID) }
        } catch let violation as ConstraintViolation {
            if ordinals.count == 1 {
                refused[first] = violation
                return
            }
            let middle = ordinals.startIndex + ordinals.count / 2
            try search(records, ordinals[..<middle], &refused)
            try search(records, ordinals[middle...], &refused)
        }
    }
}
