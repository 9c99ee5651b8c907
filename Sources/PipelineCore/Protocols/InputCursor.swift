/// An opened input. One task at a time uses it.
public protocol InputCursor<Record>: Closable {
    associatedtype Record: ConsumedRecord
    /// The next records, in input order, at most `limit` of them; empty at the end of input.
    ///
    /// Faulty input is yielded as a record, never skipped. Blank lines are no records.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where reading can't go on. Records before the fault are yielded
    ///   first.
    func next(limit: Int) async throws -> [Record]
    /// Gives back files and connections; no call follows.
    func close() async
}

/// One record of an input, as far as a run's account of what it has consumed goes.
public protocol ConsumedRecord: Sendable {
    /// The place behind this record; reading from here yields the next one.
    var next: Position { get }
    /// The bytes that stand for this record in the hash of the consumed input.
    var hashedBytes: [UInt8] { get }
}
