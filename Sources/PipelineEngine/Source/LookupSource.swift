internal import DequeModule
package import PipelineCore

/// A user reader joined with a lookup: calls many users at once and yields their outcomes in input order.
///
/// Reading, calling and yielding go on side by side, each within bounds; the consumer waits only for the head.
package actor LookupSource: RecordSource {
    enum Phase {
        /// New ordinals are read and asked.
        case input
        /// The last new ordinal was yielded; parked users are asked again.
        case parked
        case ended
    }

    let lookup: any UserLookup
    let concurrency: Int
    let shard: Shard
    private let origin: String?
    /// Below this ordinal a sink that is ahead has decided who is parked: exactly those in `parkedAhead`.
    let decidedBelow: Int
    let parkedAhead: Set<Int>
    let policy: ParkingPolicy
    /// False while a commit is under way: then nobody waits for the head but the source itself.
    let sinksWait: @Sendable () -> Bool

    /// The account of the input before the first event.
    package nonisolated let account: InputAccount
    let cursor: any InputCursor<InputRecord>
    var window: OrderedWindow
    var phase: Phase = .input
    /// Read, but not yet in the window.
    var pending: Deque<InputRecord>
    var nextOrdinal: Int
    var nextPosition: Position
    /// The reader's end: nil while it goes on.
    var readerEnd: Result<Void, any Error>?
    var reading = false
    /// Set aside so far, in ordinal order, with what is needed to ask again.
    var parked: Deque<(record: ParkedRecord, input: InputRecord)>
    var calls: [OrderedWindow.Ticket: Task<Void, Never>] = [:]
    /// What stops the run; the consumer gets it at once.
    var failure: (any Error)?
    var consumer: CheckedContinuation<Void, Never>?
    private var ticker: Task<Void, Never>?
    var isClosed = false

    /// Verifies the consumed input against the checkpoint, then begins to read and to call.
    ///
    /// - Throws: `ChangedInput`, before the first call; `PipelineError` of the reader.
    package static func open(
        reader: any UserReader, lookup: any UserLookup, concurrency: Int, resume: SourceResume,
        scope: InputScope = InputScope(), policy: ParkingPolicy = ParkingPolicy(),
        isStopped: @Sendable () -> Bool = { false }, sinksWait: @escaping @Sendable () -> Bool = { true }
    ) async throws -> LookupSource {
        let cursor = scope.limiting(try await reader.open(at: .start))
        let prefix = try await VerifiedPrefix.read(cursor, against: resume, isStopped: isStopped)
        let source = LookupSource(
            prefix: prefix, sourceFile: reader.sourceFile, lookup: lookup, concurrency: concurrency, resume: resume,
            shard: scope.shard, policy: policy, sinksWait: sinksWait)
        await source.begin()
        return source
    }

    /// Asks for records that are known already, in ordinal order, and for no others.
    package static func open(
        asking records: [(ordinal: Int, input: InputRecord)], sourceFile: String?, lookup: any UserLookup,
        concurrency: Int, policy: ParkingPolicy = ParkingPolicy()
    ) async -> LookupSource {
        var progress = RunProgress.start
        progress.inputEnded = true
        progress.parked = records.map { ParkedRecord(ordinal: $0.ordinal, position: .start) }
        let prefix = VerifiedPrefix(
            cursor: EndedCursor(), surplus: [], position: .start,
            parked: Dictionary(records.map { ($0.ordinal, $0.input) }) { first, _ in first })
        let source = LookupSource(
            prefix: prefix, sourceFile: sourceFile, lookup: lookup, concurrency: concurrency,
            resume: SourceResume(progress: progress), shard: .whole, policy: policy, sinksWait: { true })
        await source.begin()
        return source
    }

    private init(
        prefix: VerifiedPrefix, sourceFile: String?, lookup: any UserLookup, concurrency: Int,
        resume: SourceResume, shard: Shard, policy: ParkingPolicy, sinksWait: @escaping @Sendable () -> Bool
    ) {
        self.lookup = lookup
        self.concurrency = concurrency
        self.shard = shard
        decidedBelow = resume.ahead?.nextOrdinal ?? 0
        parkedAhead = Set(resume.ahead?.parked.map(\.ordinal) ?? [])
        self.policy = policy
        self.sinksWait = sinksWait
        origin = sourceFile
        account = InputAccount(ofList: prefix.hash)
        cursor = prefix.cursor
        window = OrderedWindow(concurrency: concurrency, maxBytes: policy.maxHeldBytes, shards: shard.count)
        pending = Deque(prefix.surplus)
        nextOrdinal = resume.progress.nextOrdinal
        nextPosition = prefix.position
        parked = Deque(
            resume.progress.parked.compactMap { record in prefix.parked[record.ordinal].map { (record, $0) } })
        if resume.progress.inputEnded {
            // What was added to the input since belongs to the next run.
            pending = []
            readerEnd = .success(())
            phase = .parked
        } else if let ahead = resume.ahead, ahead.inputEnded {
            // So it does here: a batch ends where the sink ahead says that the input did.
            pending.removeLast(max(0, pending.count - (ahead.consumed - resume.progress.consumed)))
            readerEnd = .success(())
        }
    }

    private func begin() {
        advance()
        let interval = policy.checkInterval
        ticker = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                await self?.parkIfStalled()
            }
        }
    }

    // MARK: Yielding

    package func next(limit: Int) async throws -> [SourceEvent] {
        while true {
            if let failure { throw failure }
            let events = takeReady(limit: limit)
            if !events.isEmpty {
                advance()
                return events
            }
            if phase == .ended { return [] }
            if window.isEmpty, pending.isEmpty, !reading, case .failure(let error) = readerEnd { throw error }
            await withCheckedContinuation { consumer = $0 }
        }
    }

    private func takeReady(limit: Int) -> [SourceEvent] {
        var events: [SourceEvent] = []
        while events.count < limit, !isHeadInDoubt(events), let departure = window.takeHead() {
            switch departure {
            case .answered(let entry, let outcome): events.append(.record(record(entry, outcome)))
            case .parked(let entry): events.append(park(entry))
            case .passed(let entry):
                events.append(
                    .skipped(
                        ordinal: entry.ordinal, next: entry.input.next, hashedBytes: entry.input.hashedBytes))
            }
        }
        if events.count < limit, window.isEmpty, pending.isEmpty, case .success = readerEnd { turn(into: &events) }
        return events
    }

    /// The head has failed, but perhaps for a reason that is everybody's. It waits for another answer, for as long as one can
    /// come: once nothing is under way and nothing more can be started, it has failed.
    private func isHeadInDoubt(_ events: [SourceEvent]) -> Bool {
        guard let userID = window.failedHead, lookup.isInDoubt(userID) else { return false }
        // What was taken just now has made room: more can be started first.
        return !calls.isEmpty || reading || !events.isEmpty
    }

    /// At the end of a phase: the next one begins.
    private func turn(into events: inout [SourceEvent]) {
        switch phase {
        case .input:
            events.append(.inputEnded)
            phase = .parked
        case .parked where parked.isEmpty: phase = .ended
        case .parked, .ended: break
        }
    }

    private func record(_ entry: OrderedWindow.Entry, _ outcome: Outcome) -> SourceRecord {
        var userID: String?
        if case .userID(let id) = entry.input.content { userID = id }
        return SourceRecord(
            ordinal: entry.ordinal, userID: userID, applicationID: lookup.applicationID, next: entry.input.next,
            origin: RecordOrigin(file: origin, line: entry.input.line), hashedBytes: entry.input.hashedBytes,
            outcome: outcome)
    }

    // MARK: Ending

    package func close() async {
        guard !isClosed else { return }
        isClosed = true
        if failure == nil { failure = CancellationError() }
        ticker?.cancel()
        cancelCalls()
        wake()
        await cursor.close()
    }
}
