internal import PipelineCore

/// The consumed part of an archive, verified before anything is decoded.
///
/// Where the system says that nothing has happened to the finished files, they stay closed, and only the file under way is read
/// again. Otherwise all that was consumed is read again, and its content decides.
struct VerifiedArchive {
    /// Behind what the sink that lags has consumed.
    private(set) var place = ArchivePlace()
    private(set) var account = InputAccount.ofArchive
    /// What lies between this sink and the one ahead.
    private(set) var surplus: [ArchiveEvent] = []
    /// Records up to where the cursor stands.
    private(set) var consumed = 0

    /// - Parameter archive: at its beginning; it is closed where this throws.
    /// - Throws: `ChangedInput`; `PipelineError` of the reader. `CancellationError` as soon as `isStopped`.
    static func read(
        _ archive: ListedArchive, against resume: SourceResume, isStopped: @Sendable () -> Bool
    ) async throws -> VerifiedArchive {
        var reading = Reading(archive: archive)
        var verified = VerifiedArchive()
        do {
            try await reading.skipFinishedFiles(of: resume.progress)
            try await reading.read(to: resume.progress, isStopped) { _ in }
            verified.place = reading.place
            verified.account = reading.account
            if let ahead = resume.ahead {
                try await reading.read(to: ahead, isStopped) { verified.surplus += $0 }
            }
            verified.consumed = reading.consumed
        } catch {
            await archive.cursor.close()
            guard error is Reading.Differs else { throw error }
            throw ChangedInput(consumed: max(resume.progress.consumed, resume.ahead?.consumed ?? 0))
        }
        return verified
    }

    /// How far the archive has been read.
    private struct Reading {
        let archive: ListedArchive
        var place = ArchivePlace()
        var account = InputAccount.ofArchive
        var consumed = 0

        /// It isn't what was consumed.
        struct Differs: Error {}

        /// Passes the finished files, unless something has happened to one of them.
        mutating func skipFinishedFiles(of progress: RunProgress) async throws {
            guard progress.hasConsumed, let stored = InputAccount.Stored(progress.inputHash) else { return }
            let last = ArchivePlace(ordinal: max(0, progress.nextOrdinal - 1))
            // Names without records may have followed the last one, and which they were, the chain says alone.
            let number = stored.hasFileUnderWay ? last.file...last.file : 0...archive.listing.count
            let underWay = stored.hasFileUnderWay ? last.record + 1 : 0
            guard let finished = archive.finishedFiles(stored, number), underWay <= progress.consumed else { return }
            try await archive.cursor.skip(to: finished)
            place = ArchivePlace(file: finished)
            account = stored.afterFinishedFiles
            consumed = progress.consumed - underWay
        }

        /// Reads on to where a sink stands.
        ///
        /// - Parameter pass: Takes what lies between.
        mutating func read(
            to progress: RunProgress, _ isStopped: @Sendable () -> Bool, pass: ([ArchiveEvent]) -> Void
        ) async throws {
            guard progress.hasConsumed else { return }
            guard let stored = InputAccount.Stored(progress.inputHash) else { throw Differs() }
            while consumed != progress.consumed || !stored.agrees(with: account) {
                if isStopped() { throw CancellationError() }
                // One after the other at the end: what comes behind it isn't to be read here.
                let left = progress.consumed - consumed
                let events = try await archive.cursor.next(limit: max(1, min(4096, left)))
                if events.isEmpty { throw Differs() }
                for event in events { take(event) }
                if consumed > progress.consumed { throw Differs() }
                pass(events)
            }
        }

        private mutating func take(_ event: ArchiveEvent) {
            place.advance(by: event)
            switch event {
            case .record(let record):
                account.append(record.hashedBytes)
                consumed += 1
            case .file(let event): account.note(event)
            }
        }
    }
}

extension ListedArchive {
    /// How many names the stored chain of states stands for.
    ///
    /// - Parameter numbers: What may be; nil is given back where it is none of these.
    fileprivate func finishedFiles(_ stored: InputAccount.Stored, _ numbers: ClosedRange<Int>) -> Int? {
        var chains = ArchiveChains()
        for number in 0...min(numbers.upperBound, listing.count) {
            if numbers.contains(number), stored.agreesOnStates(with: chains) { return number }
            guard number < listing.count else { continue }
            if share.opens(file: number) {
                chains.appendState(of: listing[number])
            } else {
                chains.pass(listing[number])
            }
        }
        return nil
    }
}
