/// How far a run has come in the input: what every sink's checkpoint shares.
public struct RunProgress: Sendable, Hashable {
    /// The first ordinal never put in a batch.
    public var nextOrdinal: Int
    /// The input's end was reached; only parked users may remain.
    public var inputEnded: Bool
    /// Where reading goes on with `nextOrdinal`.
    public var position: Position
    /// Parked users, in ordinal order.
    public var parked: [ParkedRecord]
    /// Lower-case hex of SHA-256 over all records in front of `nextOrdinal`, in order: for each the length of its ID
    /// in bytes (8 bytes, big-endian) and the ID's bytes.
    public var inputHash: String
    /// What the source learned, as JSON (the rate limit); never part of a fingerprint.
    public var sourceState: String?

    public init(
        nextOrdinal: Int, inputEnded: Bool, position: Position, parked: [ParkedRecord], inputHash: String,
        sourceState: String?
    ) {
        self.nextOrdinal = nextOrdinal
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

    /// This checkpoint after a batch; `observed` is what the sink itself counted while it wrote the rows.
    public func advanced(by batch: Batch, observed: SinkObservations) -> Checkpoint {
        var result = self
        result.commitNumber = batch.commitNumber
        result.progress = batch.progress
        result.counts += batch.counts
        result.counts.removed += observed.removed
        result.counts.previousEndpoints += observed.previousEndpoints
        result.counts.superseded += observed.superseded
        result.counts.refused += observed.refused
        result.counts.endpoints += observed.endpointCorrection
        result.counts.rows.merge(observed.rowCorrections, uniquingKeysWith: +)
        // As if the failures that are gone had never been.
        if !batch.amends.isEmpty { result.counts.rows = result.counts.rows.filter { $0.value != 0 } }
        return result
    }
}

/// What only the sink can count while it prepares a batch.
public struct SinkObservations: Sendable, Hashable {
    /// Endpoints that the batch's users had in the store before this run and no longer have; one that moved to another
    /// user of the batch doesn't count.
    public var removed = 0
    /// Endpoints that the batch's users had in the store, rows of this same run aside.
    public var previousEndpoints = 0
    /// Endpoints of this same run that gave way to later answers for the same user or key.
    public var superseded = 0
    /// Records that the store refused because of their content; a row of `failures` stands for each.
    public var refused = 0
    /// What refused records change in the batch's count of endpoints: negative.
    public var endpointCorrection = 0
    /// What refused records change in the batch's counts of rows, by table: negative where their rows are missing, positive
    /// in `failures`.
    public var rowCorrections: [String: Int] = [:]

    public init() {}
}

extension RunProgress {
    /// Whether every record has its outcome: the input has ended, and nobody is parked.
    public var isFetched: Bool { inputEnded && parked.isEmpty }
}
