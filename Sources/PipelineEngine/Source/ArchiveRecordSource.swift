internal import DequeModule
package import PipelineCore
internal import Synchronization

/// An archive's records with their endpoints, in input order: read one after the other, decoded in chunks on all cores.
package actor ArchiveRecordSource: RecordSource {
    private let decoder: any RecordDecoder
    private let share: ArchiveShare
    /// The account of the input before the first event.
    package nonisolated let account: InputAccount
    private let cursor: any ArchiveCursor
    private let bounds: ArchiveBounds
    private let fraction = Mutex<Double?>(nil)

    /// Where the next record to be decoded stands.
    private var place: ArchivePlace
    /// Records that may still be read; nil for all.
    private var recordsLeft: Int?
    /// Being decoded, in input order.
    private var chunks: Deque<Task<[SourceEvent], Never>> = []
    /// Decoded, from the front chunk.
    private var ready: ArraySlice<SourceEvent> = []
    /// The reader's end: nil while it goes on.
    private var readerEnd: Result<Void, any Error>?
    private var reading = false
    private var hasEnded = false
    private var isClosed = false
    private var consumer: CheckedContinuation<Void, Never>?

    /// Records that are decoded as one piece of work.
    private static let chunkSize = 256
    /// Chunks that may wait; a chunk holds about 1 MiB of documents at most.
    private static let mostChunks = 8

    /// Verifies the consumed input against the checkpoint, then begins to read.
    ///
    /// - Parameters:
    ///   - archive: at its beginning; it is closed with the source, or where this throws.
    ///   - limit: The input is taken to end after so many records; nil for all of them.
    /// - Throws: `ChangedInput`, before anything is yielded; `PipelineError` of the reader.
    package static func open(
        _ archive: ListedArchive, decoder: any RecordDecoder, resume: SourceResume, limit: Int? = nil,
        isStopped: @Sendable () -> Bool = { false }
    ) async throws -> ArchiveRecordSource {
        let verified = try await VerifiedArchive.read(archive, against: resume, isStopped: isStopped)
        let source = ArchiveRecordSource(archive, verified, decoder: decoder, limit: limit)
        await source.begin(with: verified.surplus, resume)
        return source
    }

    private init(
        _ archive: ListedArchive, _ verified: VerifiedArchive, decoder: any RecordDecoder, limit: Int?
    ) {
        self.decoder = decoder
        share = archive.share
        cursor = archive.cursor
        bounds = archive.bounds
        account = verified.account
        place = verified.place
        recordsLeft = limit.map { max(0, $0 - verified.consumed) }
    }

    private func begin(with surplus: [ArchiveEvent], _ resume: SourceResume) {
        if resume.progress.inputEnded {
            // What was added to the input since belongs to the next run.
            hasEnded = true
            readerEnd = .success(())
            return
        }
        for start in stride(from: 0, to: surplus.count, by: Self.chunkSize) {
            decode(Array(surplus[start..<min(start + Self.chunkSize, surplus.count)]))
        }
        // So it does here: a batch ends where the sink ahead says that the input did.
        if let ahead = resume.ahead, ahead.inputEnded { readerEnd = .success(()) }
        readAhead()
    }

    /// The part of the input that has been read, from 0 to 1; nil where that isn't known.
    package nonisolated var fractionRead: Double? { fraction.withLock { $0 } }

    // MARK: Yielding

    package func next(limit: Int) async throws -> [SourceEvent] {
        while true {
            if isClosed { throw CancellationError() }
            if !ready.isEmpty {
                defer { ready = ready.dropFirst(limit) }
                return Array(ready.prefix(limit))
            }
            if let chunk = chunks.popFirst() {
                readAhead()
                ready = await chunk.value[...]
                continue
            }
            if !reading, let end = readerEnd {
                try end.get()
                if hasEnded { return [] }
                hasEnded = true
                return [.inputEnded]
            }
            await withCheckedContinuation { consumer = $0 }
        }
    }

    // MARK: Reading and decoding

    private func readAhead() {
        if recordsLeft == 0, readerEnd == nil { readerEnd = .success(()) }
        guard !isClosed, readerEnd == nil, !reading, chunks.count < Self.mostChunks else { return }
        reading = true
        let limit = min(Self.chunkSize, recordsLeft ?? .max)
        Task {
            do {
                let events = try await cursor.next(limit: limit)
                let read = await cursor.fractionRead
                fraction.withLock { $0 = read }
                finishReading(.success(events))
            } catch {
                finishReading(.failure(error))
            }
        }
    }

    private func finishReading(_ result: Result<[ArchiveEvent], any Error>) {
        reading = false
        switch result {
        case .success(let events) where events.isEmpty: readerEnd = .success(())
        case .success(let events):
            if recordsLeft != nil {
                for case .record in events { recordsLeft? -= 1 }
            }
            decode(events)
        case .failure(let error): readerEnd = .failure(error)
        }
        readAhead()
        wake()
    }

    private func decode(_ events: [ArchiveEvent]) {
        let start = place
        var events = events[...]
        for (index, event) in events.enumerated() {
            if case .record(let record) = event {
                do { try bounds.check(place, of: record) } catch {
                    readerEnd = .failure(error)
                    events = events[..<index]
                    break
                }
            }
            place.advance(by: event)
        }
        chunks.append(
            Task { @concurrent [decoder, share, events] in
                var place = start
                return events.map { event in
                    defer { place.advance(by: event) }
                    switch event {
                    case .file(let event): return .file(event)
                    case .record(let record) where share.owns(record: place.record):
                        return .record(SourceRecord(record, ordinal: place.ordinal, decoder))
                    case .record(let record):
                        return .skipped(
                            ordinal: place.ordinal, next: record.next, hashedBytes: record.hashedBytes)
                    }
                }
            })
    }

    private func wake() {
        consumer?.resume()
        consumer = nil
    }

    // MARK: Ending

    package func close() async {
        guard !isClosed else { return }
        isClosed = true
        wake()
        await cursor.close()
    }
}
