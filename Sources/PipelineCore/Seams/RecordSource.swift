/// Records in input order, from a position: a lookup joined with a reader, or an archive.
public protocol RecordSource: Actor {
    /// The next event, waiting for it; nil when the source is at its end and all parked users have been asked again.
    ///
    /// One task at a time calls it.
    func next() async throws -> SourceEvent?
    /// Ends all work under way; no call follows.
    func close() async
}

/// What a record source tells its consumer.
public enum SourceEvent: Sendable {
    /// A record with its outcome. In ordinal order until the input's end; after it the parked ones, in ordinal order.
    case record(SourceRecord)
    /// The ordinal at the head is set aside. The record carries what the hash of the input needs.
    case parked(ParkedRecord, next: Position, hashedBytes: [UInt8])
    /// No new ordinals follow; what does follow was parked.
    case inputEnded
}
