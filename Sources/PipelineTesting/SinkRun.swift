public import PipelineCore

/// A run of some batches of the fixture into a sink, the same each time.
public struct SinkRun: Sendable {
    public static let id = "nightly-20261123T000000Z"
    /// Batches of a whole run.
    public static let batches = 9

    public var mode: WriteMode
    public var id: String
    /// Runs with different seeds have different users.
    public var seed: Int
    public var shard: Int
    public var shards: Int
    public var pipeline: String

    public init(
        mode: WriteMode = .append, id: String = SinkRun.id, seed: Int = 0, shard: Int = 0, shards: Int = 1,
        pipeline: String = "nightly"
    ) {
        self.pipeline = pipeline
        self.mode = mode
        self.id = id
        self.seed = seed
        self.shard = shard
        self.shards = shards
    }

    public var context: SinkContext {
        SinkContext(pipeline: pipeline, shard: shard, shards: shards, tables: SinkFixture.tables(for: mode))
    }

    public func begin(_ session: any SinkSession) async throws {
        let record = RunRecord(
            runID: id, state: .running, logicalDate: SinkFixture.logicalDate, startedAt: SinkFixture.logicalDate,
            version: "1.2.3")
        _ = try await session.begin(record, fingerprint: "f")
    }

    /// Every fifth batch is empty, and some tables have no rows in others.
    public func batch(_ number: Int) -> Batch {
        let records: [SinkFixture.Record] = (0..<(number % 5 == 4 ? 0 : 20)).map { index in
            let user = number * 20 + index + seed
            if number == 2 || user % 9 == 0 { return .absent("user-\(user)") }
            return .found(
                "user-\(user)",
                (0..<user % 3).map {
                    .init("e-\(user)-\($0)", address: "\(user)\u{1}\"\\é", attributes: ["a": ["\(user &* 7919)"]])
                })
        }
        return SinkFixture.batch(
            records, commitNumber: number, firstOrdinal: number * 20, runID: id, shard: shard, mode: mode)
    }

    public func commit(_ numbers: ClosedRange<Int>, _ session: any SinkSession) async throws {
        for number in numbers {
            _ = try await session.prepare(batch(number))
            try await session.commit()
        }
    }

    /// Completes the run and closes the session.
    public func complete(_ session: any SinkSession) async throws {
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        try await session.commit()
        await session.close()
    }

    /// Opens the sink and does the whole run.
    public func whole(_ sink: any Sink) async throws {
        let session = try await sink.open(context)
        try await begin(session)
        try await commit(1...Self.batches, session)
        try await complete(session)
    }
}
