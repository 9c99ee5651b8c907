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

extension RunProgress {
    /// Whether there is anything that the input must still begin with.
    var hasConsumed: Bool { consumed > 0 || inputEnded }
}

/// The input no longer begins with the records that the run has consumed.
package struct ChangedInput: Error {
    /// Records that the run had consumed.
    package var consumed: Int
}

/// The consumed part of a list, read once more before anything is asked.
struct VerifiedPrefix {
    /// Opened, and read up to the run's next ordinal.
    var cursor: any InputCursor<InputRecord>
    /// Records that were read from the input beyond the next ordinal.
    var surplus: [InputRecord]
    /// The place from which the first of the surplus, or else the next record, is read.
    var position: Position
    /// The parked users' input, by ordinal.
    var parked: [Int: InputRecord]
    var hash = InputHash()

    /// Reads as many records as the run has consumed in any sink, compares their hash with each checkpoint's, and keeps
    /// what is parked and what the sink that lags has yet to get.
    ///
    /// - Parameter cursor: at the input's beginning; it is closed where this throws.
    /// - Throws: `ChangedInput`; `PipelineError` of the reader.
    ///   `CancellationError` as soon as `isStopped`.
    static func read(
        _ cursor: any InputCursor<InputRecord>, against resume: SourceResume, isStopped: @Sendable () -> Bool
    ) async throws -> VerifiedPrefix {
        let progress = resume.progress
        let end = max(progress.consumed, resume.ahead?.consumed ?? 0)
        let wanted = Set(progress.parked.map(\.ordinal))
        var prefix = VerifiedPrefix(cursor: cursor, surplus: [], position: .start, parked: [:])
        // The hash up to the sink that is ahead.
        var whole = InputHash()
        // Of a list a record's ordinal is the number of those before it.
        var ordinal = 0
        do {
            while ordinal < end {
                if isStopped() { throw CancellationError() }
                let records = try await cursor.next(limit: min(4096, end - ordinal))
                if records.isEmpty { throw ChangedInput(consumed: end) }
                for record in records {
                    if ordinal < end { whole.append(record.hashedBytes) }
                    if ordinal < progress.consumed {
                        if ordinal == progress.consumed - 1 { prefix.hash = whole }
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

/// A list that is taken to end after so many records.
actor LimitedCursor: InputCursor {
    private let base: any InputCursor<InputRecord>
    private var remaining: Int

    init(_ base: any InputCursor<InputRecord>, limit: Int) {
        self.base = base
        remaining = limit
    }

    func next(limit: Int) async throws -> [InputRecord] {
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
