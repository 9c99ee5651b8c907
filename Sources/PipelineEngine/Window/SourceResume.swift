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
struct VerifiedPrefix {
    /// Opened, and read up to the run's next ordinal.
    var cursor: any UserCursor
    /// Records that were read from the input beyond the next ordinal.
    var surplus: [InputRecord]
    /// The place from which the first of the surplus, or else the next record, is read.
    var position: Position
    /// The parked users' input, by ordinal.
    var parked: [Int: InputRecord]
    var hash = InputHash()

    /// Reads as many records as the run has consumed, compares their hash with the checkpoint's, and keeps what is
    /// parked.
    ///
    /// - Throws: `ChangedInput`; `PipelineError` of the reader.
    ///   `CancellationError` as soon as `isStopped`.
    static func read(
        _ reader: any UserReader, against progress: RunProgress, isStopped: @Sendable () -> Bool
    ) async throws -> VerifiedPrefix {
        let cursor = try await reader.open(at: .start)
        let wanted = Set(progress.parked.map(\.ordinal))
        var prefix = VerifiedPrefix(cursor: cursor, surplus: [], position: .start, parked: [:])
        var ordinal = 0
        do {
            while ordinal < progress.nextOrdinal {
                if isStopped() { throw CancellationError() }
                let records = try await cursor.next(limit: min(4096, progress.nextOrdinal - ordinal))
                if records.isEmpty { throw ChangedInput(consumed: progress.nextOrdinal) }
                for record in records {
                    guard ordinal < progress.nextOrdinal else {
                        prefix.surplus.append(record)
                        continue
                    }
                    prefix.hash.append(record.hashedBytes)
                    if wanted.contains(ordinal) { prefix.parked[ordinal] = record }
                    prefix.position = record.next
                    ordinal += 1
                }
            }
            guard prefix.hash.hex == progress.inputHash else { throw ChangedInput(consumed: progress.nextOrdinal) }
        } catch {
            await cursor.close()
            throw error
        }
        return prefix
    }
}
