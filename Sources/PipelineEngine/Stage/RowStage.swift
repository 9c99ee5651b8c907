internal import DequeModule
public import Flattening
public import PipelineCore

/// Records of archives in, rows out, in the order of the input: a function of the records and of what it is made with. It keeps
/// no state, and knows no run and no clock.
public struct RowStage: Sendable {
    private let decoder: any RecordDecoder
    private let flattening: RecordFlattening
    private let threads: Int

    /// Records that become rows as one piece of work.
    private static let chunkSize = 256

    /// - Parameter threads: so many chunks of records become rows at once, 1 or more; the rows are the same.
    public init(
        _ decoder: any RecordDecoder, transforms: [any Transform], layout: Layout, run: RowContext, threads: Int
    ) {
        precondition(threads > 0, "somebody must do the work")
        self.decoder = decoder
        self.threads = threads
        flattening = RecordFlattening(run: run, contents: [(transforms, layout)])
    }

    /// Reads an archive to its end. Memory doesn't grow with it.
    ///
    /// - Parameters:
    ///   - cursor: at the archive's beginning; all of its files are read, evident junk aside.
    ///   - number: of the archive's first file, with which the ordinals of its records begin.
    ///   - encode: makes something of a chunk's rows, on several threads at once.
    ///   - take: gets that, chunk after chunk; false where nobody wants more.
    /// - Returns: What was read so far.
    /// - Throws: `PipelineError` of the reader, once the chunks before it are taken; what a transform throws.
    public func run<Encoded: Sendable>(
        _ cursor: any ArchiveCursor, from number: Int, bounds: ArchiveBounds = ArchiveBounds(),
        encode: @escaping @Sendable (RowChunk) -> Encoded, take: (Encoded) async -> Bool
    ) async throws -> RunCounts {
        let names = await cursor.listing.count
        try bounds.check(fileCount: number + names)
        await cursor.read(only: Set(0..<names))
        var place = ArchivePlace(file: number)
        var counts = RunCounts()
        var chunks: Deque<Task<(Encoded, RunCounts), any Error>> = []
        defer { for chunk in chunks { chunk.cancel() } }
        var ending: Result<Void, any Error>?
        while true {
            while ending == nil, chunks.count < threads {
                do {
                    let events = try await cursor.next(limit: Self.chunkSize)
                    if events.isEmpty { ending = .success(()) }
                    let records = try Self.placed(events, &place, bounds)
                    if !records.isEmpty { chunks.append(task(records, encode)) }
                } catch { ending = .failure(error) }
            }
            guard let chunk = chunks.popFirst() else { break }
            let (encoded, added) = try await chunk.value
            counts += added
            guard await take(encoded) else { return counts }
        }
        try ending?.get()
        return counts
    }

    /// The records of these events with their ordinals.
    private static func placed(
        _ events: [ArchiveEvent], _ place: inout ArchivePlace, _ bounds: ArchiveBounds
    ) throws -> [(record: ArchiveRecord, ordinal: Int)] {
        var records: [(record: ArchiveRecord, ordinal: Int)] = []
        for event in events {
            if case .record(let record) = event {
                try bounds.check(place, of: record)
                records.append((record, place.ordinal))
            }
            place.advance(by: event)
        }
        return records
    }

    private func task<Encoded: Sendable>(
        _ records: [(record: ArchiveRecord, ordinal: Int)], _ encode: @escaping @Sendable (RowChunk) -> Encoded
    ) -> Task<(Encoded, RunCounts), any Error> {
        Task { @concurrent [decoder, flattening] in
            var flattening = flattening
            var ends: [[Int]] = []
            ends.reserveCapacity(records.count)
            for (record, ordinal) in records {
                try flattening.append(SourceRecord(record, ordinal: ordinal, decoder))
                ends.append(flattening.rowCounts[0])
            }
            let content = flattening.finish()[0]
            return (encode(RowChunk(tables: content.tables, ends: ends)), content.counts)
        }
    }
}

/// The rows of some records that follow each other.
public struct RowChunk: Sendable {
    /// In the order of the layout's tables.
    public let tables: [RowBuffer]
    /// For each record how many rows each table has up to it.
    public let ends: [[Int]]
}
