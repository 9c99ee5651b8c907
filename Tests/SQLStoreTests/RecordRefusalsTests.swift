import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("Records that a store refuses")
struct RecordRefusalsTests {
    private struct Refusal: Error {}

    /// A store that refuses batches with these users, or with both users of a pair.
    private final class Store {
        var refused: Set<String> = []
        var pair: [String] = []
        var written: Batch?
        var attempts = 0

        func write(_ batch: Batch) throws -> RunCounts {
            attempts += 1
            var users: [String] = []
            batch.tables[0].forEachRow { if case .text(let user) = $0[1] { users.append(user) } }
            guard refused.isDisjoint(with: users), pair.isEmpty || !pair.allSatisfy(users.contains) else {
                throw Refusal()
            }
            written = batch
            return RunCounts()
        }

        func refusals() -> RecordRefusals {
            RecordRefusals(
                write: { try self.write($0) }, undoing: { try $0() }, reason: { $0 is Refusal ? "no" : nil })
        }
    }

    private static let batch = SinkFixture.batch(
        (0..<40).map { .found("u\($0)", [SinkFixture.Endpoint("e\($0)", attributes: ["a": ["v", "w"]])]) },
        commitNumber: 1, firstOrdinal: 100, runID: "r")

    @Test("Those to blame become failures, the others are written, and the counts say so")
    func refused() throws {
        let store = Store()
        store.refused = ["u7", "u39"]
        let observed = try store.refusals().write(Self.batch, SinkFixture.tables, runID: "r", shard: 3)
        #expect(observed.refused == 2)
        #expect(observed.endpoints == -2)
        #expect(
            observed.rows == ["users": -2, "endpoints": -2, "endpoint_attributes": -4, "failures": 2])
        let written = try #require(store.written)
        #expect(written.tables.map(\.rowCount) == [38, 38, 76, 0, 2])
        var failures: [[RowView.Value]] = []
        written.tables[4].forEachRow { row in failures.append((0..<5).map { row[$0] }) }
        #expect(
            failures
                == [(Int64(107), "u7"), (Int64(139), "u39")].map { ordinal, user in
                    [
                        .text("r"), .integer(3), .integer(ordinal), .text(user),
                        .text(FailureCode.refusedBySink.rawValue),
                    ]
                })
        #expect(store.attempts < 40)
    }

    @Test("Where no record is to blame alone, the store's own error stands")
    func nobody() throws {
        let store = Store()
        store.pair = ["u3", "u30"]
        #expect(throws: Refusal.self) {
            try store.refusals().write(Self.batch, SinkFixture.tables, runID: "r", shard: 0)
        }
    }

    @Test("An error that isn't about content is thrown on, and a batch that is admitted is written once")
    func others() throws {
        let store = Store()
        #expect(try store.refusals().write(Self.batch, SinkFixture.tables, runID: "r", shard: 0) == RunCounts())
        #expect(store.attempts == 1)
        let failing = RecordRefusals(
            write: { _ in throw PipelineError(.ioError, "disk") }, undoing: { try $0() }, reason: { _ in nil })
        #expect(throws: PipelineError.self) {
            try failing.write(Self.batch, SinkFixture.tables, runID: "r", shard: 0)
        }
    }
}
