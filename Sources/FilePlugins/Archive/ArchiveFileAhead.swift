internal import LineInput
internal import PipelineCore

/// A file of an archive that is read on a thread of its own, somewhat ahead of whoever takes its events. So several files are
/// opened and unpacked at once, however slow their disk is to answer.
actor ArchiveFileAhead {
    private let executor = BlockingExecutor(label: "archive.file")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let file: ArchiveFile
    private let events: ArchiveFileEvents
    /// What is read and not taken.
    private var ready: Batch?
    private var isReading = false
    private var hasEnded = false
    private var taker: CheckedContinuation<Void, Never>?

    /// Some events that follow each other.
    struct Batch: Sendable {
        var events: [ArchiveEvent] = []
        /// Lines for the log, once these events are taken.
        var warnings: [String] = []
        /// How much of the file, as it stands on disk, is read.
        var bytesRead: UInt64 = 0
        /// Nothing follows.
        var isLast = false
        /// What ended the reading behind these events.
        var failure: (any Error)?
    }

    /// A batch ends once it has this many bytes of documents, or as many events.
    static let bytesAtOnce = 1 << 20
    private static let eventsAtOnce = 4096

    /// - Parameter seen: what the file holds, where that is known.
    init(_ file: ArchiveFile, isOneFile: Bool, seen: ArchiveContent?) {
        self.file = file
        events = ArchiveFileEvents(file, isOneFile: isOneFile, seen: seen)
    }

    /// Reads the first batch, if that takes little memory; else it waits until the file is at hand.
    func prepare() {
        // What can't be opened is told when the file is reached.
        if (try? file.isLight()) == true { readOn() }
    }

    /// The next events; called until a batch is the last one, or has failed.
    func next() async -> Batch {
        while true {
            if let batch = ready {
                ready = nil
                readOn()
                return batch
            }
            if hasEnded { return Batch(isLast: true, failure: CancellationError()) }
            readOn()
            await withCheckedContinuation { taker = $0 }
        }
    }

    func close() {
        hasEnded = true
        ready = nil
        events.close()
        wake()
    }

    /// Begins to read another batch, where none waits.
    private func readOn() {
        guard !isReading, !hasEnded, ready == nil else { return }
        isReading = true
        // Between two batches this actor's callers have their turn.
        Task { readBatch() }
    }

    private func readBatch() {
        isReading = false
        guard !hasEnded else { return }
        let batch = batch()
        hasEnded = batch.isLast
        ready = batch
        wake()
    }

    private func batch() -> Batch {
        var batch = Batch()
        var bytes = 0
        do {
            while batch.events.count < Self.eventsAtOnce, bytes < Self.bytesAtOnce {
                guard let event = try events.next() else {
                    batch.isLast = true
                    break
                }
                bytes += event.byteCount
                batch.events.append(event)
            }
        } catch {
            // Nobody reads on behind it.
            events.close()
            batch.failure = error
            batch.isLast = true
        }
        batch.warnings = events.takeWarnings()
        batch.bytesRead = events.bytesRead
        return batch
    }

    private func wake() {
        taker?.resume()
        taker = nil
    }
}

extension ArchiveEvent {
    /// Bytes that a record's content takes; of what is no record none.
    var byteCount: Int {
        guard case .record(let record) = self else { return 0 }
        return switch record.content {
        case .document(let bytes): bytes.count
        case .fault(let fault): fault.raw.count
        }
    }
}
