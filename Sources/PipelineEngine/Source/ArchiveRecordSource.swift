internal import DequeModule
package import PipelineCore
internal import Synchronization

/// An archive's records with their endpoints, in input order: read one after the other, decoded in chunks on all cores.
package actor ArchiveRecordSource: RecordSource {
    private let decoder: any RecordDecoder
    private let shard: Shard
    /// The hash of the input in front of the first event.
    package nonisolated let consumedHash: InputHash
    /// The files that are read, for the account; nil where the archive is no files.
    package nonisolated let files: ArchiveFileCounts?
    private let cursor: any InputCursor<ArchiveRecord>
    private let archive: any ArchiveCursor
    private let fraction = Mutex<Double?>(nil)

    private var nextOrdinal: Int
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
    /// - Throws: `ChangedInput`, before anything is yielded; `PipelineError` of the reader.
    package static func open(
        reader: any ArchiveReader, decoder: any RecordDecoder, resume: SourceResume, scope: InputScope = InputScope(),
        isStopped: @Sendable () -> Bool = { false }
    ) async throws -> ArchiveRecordSource {
        let archive = try await reader.open()
        let prefix = try await VerifiedPrefix.read(scope.limiting(archive), against: resume, isStopped: isStopped)
        let source = ArchiveRecordSource(
            prefix, archive, files: await archive.files, decoder: decoder, resume: resume, shard: scope.shard)
        await source.begin(with: prefix.surplus, resume)
        return source
    }

    private init(
        _ prefix: VerifiedPrefix<ArchiveRecord>, _ archive: any ArchiveCursor, files: ArchiveFileCounts?,
        decoder: any RecordDecoder, resume: SourceResume, shard: Shard
    ) {
        self.files = files
        self.decoder = decoder
        self.shard = shard
        self.archive = archive
        consumedHash = prefix.hash
        cursor = prefix.cursor
        nextOrdinal = resume.progress.nextOrdinal
    }

    private func begin(with surplus: [ArchiveRecord], _ resume: SourceResume) {
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
        guard !isClosed, readerEnd == nil, !reading, chunks.count < Self.mostChunks else { return }
        reading = true
        Task {
            do {
                let records = try await cursor.next(limit: Self.chunkSize)
                let read = await archive.fractionRead
                fraction.withLock { $0 = read }
                finishReading(.success(records))
            } catch {
                finishReading(.failure(error))
            }
        }
    }

    private func finishReading(_ result: Result<[ArchiveRecord], any Error>) {
        reading = false
        switch result {
        case .success(let records) where records.isEmpty: readerEnd = .success(())
        case .success(let records): decode(records)
        case .failure(let error): readerEnd = .failure(error)
        }
        readAhead()
        wake()
    }

    private func decode(_ records: [ArchiveRecord]) {
        let first = nextOrdinal
        nextOrdinal += records.count
        chunks.append(
            Task { @concurrent [decoder, shard] in
                records.enumerated().map { index, record in
                    shard.owns(ordinal: first + index)
                        ? .record(Self.decode(record, ordinal: first + index, decoder))
                        : .skipped(next: record.next, hashedBytes: record.hashedBytes)
                }
            })
    }

    private static func decode(_ record: ArchiveRecord, ordinal: Int, _ decoder: any RecordDecoder) -> SourceRecord {
        let outcome: Outcome
        switch record.content {
        case .fault(let fault): outcome = .failed(RecordFailure(fault))
        case .document(let document):
            switch decoder.decode(document) {
            case .failed(var failure):
                failure.message = "line \(record.line): \(failure.message)"
                if failure.code == FailureCode.malformedRecord.rawValue {
                    failure.raw = Array(document.prefix(InputFault.rawLimit))
                }
                outcome = .failed(failure)
            case let decoded: outcome = decoded
            }
        }
        return SourceRecord(
            ordinal: ordinal, userID: nil, applicationID: decoder.applicationID, next: record.next,
            origin: RecordOrigin(file: record.file, line: record.line), hashedBytes: record.hashedBytes,
            outcome: outcome)
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
