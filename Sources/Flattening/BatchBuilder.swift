public import PipelineCore

/// Turns records into the rows of one batch after the other.
///
/// Nothing but the arguments decides what the rows are. Of the order of calls they keep what they must: rows stand in
/// the order in which their records were appended.
public struct BatchBuilder: Sendable {
    public let layout: Layout
    public let run: RowContext
    var rows: BatchRows
    var counts = RunCounts()

    public init(layout: Layout, run: RowContext) {
        self.layout = layout
        self.run = run
        rows = BatchRows(layout: layout, run: run)
    }

    /// Records since the last `finish`.
    public var recordCount: Int { counts.records }
    /// Rows since the last `finish`, for each of the layout's tables.
    public var rowCounts: [Int] { rows.rowCounts }
    /// Memory that the rows take, in bytes.
    public var byteCount: Int { rows.byteCount }

    /// Adds a record's rows.
    ///
    /// - `failed`: one row of `failures`.
    /// - `absent`, `found`: one row of `users` where a user was asked for, and the rows of each endpoint.
    /// - `found` with an endpoint whose key can't be stored (no `Id`, one that isn't text or that holds U+0000 or a lone
    ///   surrogate; where no application was asked, the same of `ApplicationId`): the whole record counts as failed,
    ///   with the code `UnstorableKey`. So does a record whose user ID holds U+0000. An empty `Id` can be stored.
    ///
    /// - Precondition: A record with a user names its application.
    public mutating func append(_ record: SourceRecord) {
        precondition(record.userID == nil || record.applicationID != nil, "a user is asked for in an application")
        if case .failed(let failure) = record.outcome { return fail(record, failure) }
        if let userID = record.userID, userID.utf8.contains(0) {
            return fail(record, .unstorableKey("the user ID holds U+0000, which no sink can store"))
        }
        let mark = rows.mark
        rows.begin(record)
        var endpoints = 0
        if case .found(let tape) = record.outcome {
            do throws(RecordFailure) {
                endpoints = try rows.append(tape, of: record)
            } catch {
                rows.truncate(to: mark)
                return fail(record, error)
            }
            counts.found += 1
        } else {
            counts.absent += 1
        }
        counts.endpoints += endpoints
        if record.userID != nil { rows.appendUser(record, endpoints: endpoints) }
    }

    /// Gives the endpoints that were taken out of records without a user, with the columns of `Tombstones`: whoever holds
    /// what earlier runs wrote is to remove them. Called before `finish`.
    public mutating func finishTombstones() -> RowBuffer { rows.tombstones.finish() }

    /// Gives the rows, one buffer for each of the layout's tables, and what they add to the run's counts; then the
    /// builder is empty and ready for the next batch.
    public mutating func finish() -> (tables: [RowBuffer], counts: RunCounts) {
        counts.filtered = rows.tally.filtered
        counts.notNumbers = rows.tally.notNumbers
        let tables = rows.finish(run)
        for (definition, buffer) in zip(layout.tables, tables) where !buffer.isEmpty {
            counts.rows[definition.name] = buffer.rowCount
        }
        defer { counts = RunCounts() }
        return (tables, counts)
    }

    private mutating func fail(_ record: SourceRecord, _ failure: RecordFailure) {
        counts.failed += 1
        if failure.attempts == 0, FailureCode(rawValue: failure.code)?.origin == .list { counts.invalid += 1 }
        rows.appendFailure(record, failure)
    }
}

extension RecordFailure {
    static func unstorableKey(_ message: String) -> RecordFailure { RecordFailure(.unstorableKey, message) }
}
