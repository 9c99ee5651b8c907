/// How far a run has come in the input: what every sink's checkpoint shares.
public struct RunProgress: Sendable, Hashable {
    /// The first ordinal never put in a batch. It names a place: an archive's ordinals have gaps between files.
    public var nextOrdinal: Int
    /// Records that this run, or this shard of it, has read: found, absent, failed, parked, and those that are other shards'.
    public var consumed: Int
    /// The input's end was reached; only parked users may remain.
    public var inputEnded: Bool
    /// Where reading goes on with `nextOrdinal`.
    public var position: Position
    /// Parked users, in ordinal order.
    public var parked: [ParkedRecord]
    /// What the consumed input is known by. Of a list lower-case hex of SHA-256 over all records before `nextOrdinal`, in
    /// order: for each the length of its ID in bytes (8 bytes, big-endian) and the ID's bytes. Of an archive three such
    /// digests, with colons between them: of the finished files' contents, of the records of the file under way, and of the
    /// finished files as the listing knew them.
    public var inputHash: String
    /// What the source learned, as JSON (the rate limit); never part of a fingerprint.
    public var sourceState: String?

    /// - Parameter consumed: Left out, `nextOrdinal`: of a list both are the same.
    public init(
        nextOrdinal: Int, consumed: Int? = nil, inputEnded: Bool, position: Position, parked: [ParkedRecord],
        inputHash: String, sourceState: String?
    ) {
        self.nextOrdinal = nextOrdinal
        self.consumed = consumed ?? nextOrdinal
        self.inputEnded = inputEnded
        self.position = position
        self.parked = parked
        self.inputHash = inputHash
        self.sourceState = sourceState
    }

    /// Nothing has been read.
    public static let start = RunProgress(
        nextOrdinal: 0, inputEnded: false, position: .start, parked: [],
        // SHA-256 of nothing.
        inputHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sourceState: nil)
}

/// How far a sink has committed. It lives in the sink and is committed in the same transaction as the rows it
/// speaks of.
public struct Checkpoint: Sendable, Hashable {
    public var runID: String
    /// Grows by one with each commit; this is what is compared.
    public var commitNumber: Int
    public var progress: RunProgress
    public var counts: RunCounts
    /// A hash of the configuration that shapes the output; a resume with another one is refused.
    public var fingerprint: String

    public init(runID: String, commitNumber: Int, progress: RunProgress, counts: RunCounts, fingerprint: String) {
        self.runID = runID
        self.commitNumber = commitNumber
        self.progress = progress
        self.counts = counts
        self.fingerprint = fingerprint
    }

    /// This checkpoint after a batch.
    ///
    /// - Parameter observed: What the sink alone could count while it wrote the batch, and what records that it refused take
    ///   from the batch's counts: for these `endpoints` and `rows` are negative, but for the rows of `failures` that stand in
    ///   their place.
    public func advanced(by batch: Batch, observed: RunCounts) -> Checkpoint {
        var result = self
        result.commitNumber = batch.commitNumber
        result.progress = batch.progress
        result.counts += batch.counts
        result.counts += observed
        // As if the failures that are gone had never been.
        if !batch.amends.isEmpty { result.counts.rows = result.counts.rows.filter { $0.value != 0 } }
        return result
    }

    /// This checkpoint at a run's end.
    ///
    /// - Parameter observed: What the sink counted while it published.
    public func completed(observed: RunCounts) -> Checkpoint {
        var result = self
        result.counts += observed
        return result
    }
}

extension RunProgress {
    /// Whether every record has its outcome: the input has ended, and nobody is parked.
    public var isFetched: Bool { inputEnded && parked.isEmpty }
}
