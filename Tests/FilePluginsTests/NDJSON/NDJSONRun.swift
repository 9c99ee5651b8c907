import FilePlugins
import PipelineCore
import PipelineTesting

/// A run of some batches into a sink, and what can be done to it from outside.
struct NDJSONRun {
    static let id = "nightly-20261123T000000Z"
    let reader: OutputReader
    var mode = WriteMode.append
    var id = NDJSONRun.id
    var seed = 0
    var shard = 0
    var shards = 1

    var context: SinkContext {
        SinkContext(pipeline: "nightly", shard: shard, shards: shards, tables: SinkFixture.tables(for: mode))
    }
    var underWay: String { "\(reader.path)/.sluice/\(id)" }
    var published: String { "\(reader.path)/\(id)\(shards > 1 ? ".shard\(shard)" : "")" }

    func open(at path: String? = nil) async throws -> any SinkSession {
        try await reader.sink(mode, at: path).open(context)
    }

    func begin(_ session: any SinkSession) async throws {
        let record = RunRecord(
            runID: id, state: .running, logicalDate: SinkFixture.logicalDate, startedAt: SinkFixture.logicalDate,
            version: "1.2.3")
        _ = try await session.begin(record, fingerprint: "f")
    }

    /// Every fifth batch is empty, and some tables have no rows in others.
    func batch(_ number: Int) -> Batch {
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

    func commit(_ numbers: ClosedRange<Int>, _ session: any SinkSession) async throws {
        for number in numbers {
            _ = try await session.prepare(batch(number))
            try await session.commit()
        }
    }

    func complete(_ session: any SinkSession) async throws {
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        try await session.commit()
        await session.close()
    }

    static let batches = 9

    func whole(at path: String? = nil) async throws {
        let session = try await open(at: path)
        try await begin(session)
        try await commit(1...Self.batches, session)
        try await complete(session)
    }
}

func pipelineError(_ body: () async throws -> Void) async -> PipelineError? {
    do { try await body() } catch { return error as? PipelineError }
    return nil
}
