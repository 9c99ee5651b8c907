/// Records in input order, from a position: a lookup joined with a reader, or an archive.
public protocol RecordSource: Closable {
    /// The next events that are ready, at least one and at most `limit`, waiting for the first; empty when the source
    /// is at its end and all parked users have been asked again.
    ///
    /// One task at a time calls it.
    ///
    /// - Throws: `PipelineError` where the run can't go on; what was ready before faulty input is yielded first.
    func next(limit: Int) async throws -> [SourceEvent]
    /// Ends all work under way; no call follows.
    func close() async
}

/// What a record source tells its consumer.
public enum SourceEvent: Sendable {
    /// A record with its outcome. In ordinal order until the input's end; after it the parked ones, in ordinal order.
    case record(SourceRecord)
    /// The ordinal at the head is parked. `next` and `hashedBytes` are as a record's.
    case parked(ParkedRecord, next: Position, hashedBytes: [UInt8])
    /// The record with this ordinal belongs to another shard.
    case skipped(ordinal: Int, next: Position, hashedBytes: [UInt8])
    /// Reading an archive has come to another file; no record.
    case file(ArchiveFileEvent)
    /// No new ordinals follow; what does follow was parked.
    case inputEnded
}
