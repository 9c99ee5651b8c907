package import PipelineCore

/// Where a source takes up a run.
package struct SourceResume: Sendable {
    /// The progress of the checkpoint that lags furthest behind.
    package var progress: RunProgress
    /// What a sink that is one commit ahead has already decided; nil where all sinks agree.
    package var ahead: RunProgress?

    package init(progress: RunProgress = .start, ahead: RunProgress? = nil) {
        self.progress = progress
        self.ahead = ahead
    }
}

/// The input no longer begins with the records that the run has consumed.
package struct ChangedInput: Error {
    /// Records that the run had consumed.
    package var consumed: Int
}

/// The consumed part of an input, read once more before anything is asked.
struct VerifiedPrefix<Record: ConsumedRecord> {
    /// Opened, and read up to the run's next ordinal.
    var cursor: any InputCursor<Record>
    /// Records that were read from the input beyond the next ordinal.
    var surplus: [Record]
    /// The place from which the first of the surplus, or else the next record, is read.
    var position: Position
    /// The parked users' input, by ordinal.
    var parked: [Int: Record]
    var hash = InputHash()

    /// Reads as many records as the run has consumed in any sink, compares their hash with each checkpoint's, and keeps
    /// what is parked and what the sink that lags has yet to get.
    ///
    /// - Parameter cursor: at the input's beginning; it is closed where this throws.
    /// - Throws: `ChangedInput`; `PipelineError` of the reader.
    ///   `CancellationError` as soon as `isStopped`.
    static func read(
        _ cursor: any InputCursor<Record>, against resume: SourceResume, isStopped: @Sendable () -> Bool
    ) async throws -> VerifiedPrefix {
        let progress = resume.progress
        let end = max(progress.nextOrdinal, resume.ahead?.nextOrdinal ?? 0)
        let wanted = Set(progress.parked.map(\.ordinal))
        var prefix = VerifiedPrefix(cursor: cursor, surplus: [], position: .start, parked: [:])
        // The hash up to the sink that is ahead.
        var whole = InputHash()
        var ordinal = 0
        do {
            while ordinal < end {
                if isStopped() { throw CancellationError() }
                let records = try await cursor.next(limit: min(4096, end - ordinal))
                if records.isEmpty { throw ChangedInput(consumed: end) }
                for record in records {
                    if ordinal < end { whole.append(record.hashedBytes) }
                    if ordinal < progress.nextOrdinal {
                        if ordinal == progress.nextOrdinal - 1 { prefix.hash = whole }
                        if wanted.contains(ordinal) { prefix.parked[ordinal] = record }
                        prefix.position = record.next
                    } else {
                        prefix.surplus.append(record)
                    }
                    ordinal += 1
                }
            }
            guard prefix.hash.hex == progress.inputHash, resume.ahead.map({ $0.inputHash == whole.hex }) ?? true
            else { throw ChangedInput(consumed: end) }
        } catch {
            await cursor.close()
            throw error
        }
        return prefix
    }
}

/// An input that is taken to end after so many records.
actor LimitedCursor<Record: ConsumedRecord>: InputCursor {
    private let base: any InputCursor<Record>
    private var remaining: Int

    init(_ base: any InputCursor<Record>, limit: Int) {
        self.base = base
        remaining = limit
    }

    func next(limit: Int) async throws -> [Record] {
        guard remaining > 0 else { return [] }
        let records = try await base.next(limit: min(limit, remaining))
        remaining -= records.count
        return records
    }

    func close() async { await base.close() }
}

/// An input with nothing left in it.
actor EndedCursor: InputCursor {
    func next(limit: Int) async throws -> [InputRecord] { [] }
    func close() async {}
}
