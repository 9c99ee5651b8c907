package import Flattening
package import PipelineCore

/// What one batch holds, before it is numbered for a sink.
package struct AssembledBatch: Sendable {
    /// One for each distinct chain of transforms and layout.
    package var contents: [BatchContent]
    package var progress: RunProgress
    /// Files of an archive that were left out since the batch before.
    package var leftOutFiles: [LeftOutFile] = []

    package struct BatchContent: Sendable {
        package var tables: [RowBuffer]
        package var counts: RunCounts
        package var tombstones: RowBuffer
    }
}

/// Gathers a source's events into batches. A batch ends at a multiple of the batch size and at the end of input; after
/// it, parked users come a batch size at a time.
package struct BatchAssembler {
    private let batchSize: Int
    private var flattening: RecordFlattening
    private var progress: RunProgress
    private var account: InputAccount
    private var parkedTaken = 0
    /// Records of other shards in the batch at hand.
    private var skipped = 0
    /// Files of an archive since the batch before.
    private var files = ArchiveFileCounts()
    private var leftOutFiles: [LeftOutFile] = []
    private let sourceState: @Sendable () -> String?

    /// - Parameter account: Of the input consumed so far, as `progress` holds it.
    package init(
        run: RowContext, contents: [(transforms: [any Transform], layout: Layout)], batchSize: Int,
        progress: RunProgress, account: InputAccount, sourceState: @escaping @Sendable () -> String?
    ) {
        self.batchSize = batchSize
        flattening = RecordFlattening(run: run, contents: contents)
        self.progress = progress
        self.account = account
        self.sourceState = sourceState
    }

    /// How many events the batch at hand still takes: whoever reads no more at once holds no more than that.
    package var room: Int {
        batchSize - (progress.inputEnded ? parkedTaken : progress.consumed % batchSize)
    }

    /// Takes an event; gives the batch that it completes.
    package mutating func take(_ event: SourceEvent) throws -> AssembledBatch? {
        switch event {
        case .record(let record) where progress.inputEnded:
            try flattening.append(record)
            progress.parked.removeFirst()
            parkedTaken += 1
            return parkedTaken == batchSize ? finish() : nil
        case .record(let record):
            try flattening.append(record)
            return consume(record.ordinal, record.hashedBytes, next: record.next)
        case .parked(let record, let next, let hashedBytes):
            progress.parked.append(record)
            return consume(record.ordinal, hashedBytes, next: next)
        case .skipped(let ordinal, let next, let hashedBytes):
            skipped += 1
            return consume(ordinal, hashedBytes, next: next)
        case .file(let event):
            account.note(event)
            count(event)
            return nil
        case .inputEnded:
            progress.inputEnded = true
            return finish()
        }
    }

    /// The last batch of parked users, at the end of the source; nil where nothing is left over.
    package mutating func takeRest() -> AssembledBatch? { parkedTaken > 0 ? finish() : nil }

    private mutating func consume(_ ordinal: Int, _ hashedBytes: [UInt8], next: Position) -> AssembledBatch? {
        account.append(hashedBytes)
        progress.nextOrdinal = ordinal + 1
        progress.consumed += 1
        progress.position = next
        return progress.consumed.isMultiple(of: batchSize) ? finish() : nil
    }

    private mutating func count(_ event: ArchiveFileEvent) {
        switch event {
        case .begun(isRead: true): files.read += 1
        case .begun(isRead: false), .ended, .passed: break
        case .leftOut(let file, let reason):
            files.leftOut += 1
            leftOutFiles.append(LeftOutFile(name: file.name, reason: reason))
        }
    }

    private mutating func finish() -> AssembledBatch {
        parkedTaken = 0
        progress.inputHash = account.text
        progress.sourceState = sourceState()
        var contents = flattening.finish()
        for index in contents.indices {
            contents[index].counts.otherShards = skipped
            if account.isOfArchive { contents[index].counts.files = files }
        }
        skipped = 0
        files = ArchiveFileCounts()
        defer { leftOutFiles = [] }
        return AssembledBatch(contents: contents, progress: progress, leftOutFiles: leftOutFiles)
    }
}
