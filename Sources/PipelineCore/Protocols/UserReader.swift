/// A plugin that yields user IDs, each with a position from which reading can go on.
public protocol UserReader: Sendable {
    /// The input as the configuration names it, for messages and `failures.source_file`; nil for a database or
    /// standard input.
    var sourceFile: String? { get }
    /// Bytes of input that `Position.offset` counts up to, for the progress display; nil where that isn't known.
    var inputSize: UInt64? { get }
    /// Reads the beginning of the input, for a look at it; nothing is kept aside, and a database is asked for no more.
    ///
    /// - Throws: as `open`.
    func sample(limit: Int) async throws -> InputSample
    /// Counts the records, or estimates them where the time isn't enough; nil where that can't be told without reading
    /// what can be read only once, or in that time.
    ///
    /// - Throws: as `open`.
    func count(within time: Duration) async throws -> InputCount?
    /// Makes the input ready for a run, once in each process and before the first `open`.
    ///
    /// What can't be read twice (standard input, the answer to a query) is kept aside here, durably, so that every later
    /// process of the run reads the same; what is kept already is taken as it is.
    ///
    /// - Returns: Whether it was kept already, so that the input itself isn't read.
    @discardableResult
    func prepare(for run: InputRun) async throws -> Bool
    /// Looks at what is kept aside for a run, if anything is, and changes nothing.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where it can't be read, so that the run can't be gone on with.
    func checkKept(for run: InputRun) async throws
    /// The run is complete: what was kept aside for it goes. Nothing depends on it: what a process that died has left
    /// behind goes with the next call for the run, or the next run's `prepare`.
    func release(_ run: InputRun) async
    /// Opens the input at a position that this reader yielded earlier, or at `.start`.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where it is missing or unreadable.
    func open(at position: Position) async throws -> any UserCursor
}

extension UserReader {
    public var inputSize: UInt64? { nil }
    public func count(within time: Duration) async throws -> InputCount? { nil }

    public func sample(limit: Int) async throws -> InputSample { try await firstRecords(limit) }

    /// The first records of an input that can be opened as it is.
    public func firstRecords(_ limit: Int) async throws -> InputSample {
        let cursor = try await open(at: .start)
        do {
            var records: [InputRecord] = []
            while records.count < limit {
                let more = try await cursor.next(limit: limit - records.count)
                if more.isEmpty { break }
                records += more
            }
            await cursor.close()
            return InputSample(records: records, isComplete: records.count < limit)
        } catch {
            await cursor.close()
            throw error
        }
    }

    public func prepare(for run: InputRun) async throws -> Bool { false }
    public func checkKept(for run: InputRun) async throws {}
    public func release(_ run: InputRun) async {}
}

/// The run that an input is read for.
public struct InputRun: Sendable, Hashable {
    public var pipeline: String
    /// From 0; 0 where the run isn't sharded.
    public var shard: Int
    public var runID: String
    /// UTC text with three decimals: a run that is done again keeps its ID, but not its start.
    public var startedAt: String

    public init(pipeline: String, shard: Int = 0, runID: String, startedAt: String) {
        self.pipeline = pipeline
        self.shard = shard
        self.runID = runID
        self.startedAt = startedAt
    }
}

/// An opened list of users. A compressed file that is cut off is where reading can't go on.
public protocol UserCursor: InputCursor where Record == InputRecord {}
