import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("What a batch's rows come to")
struct MergePlanTests {
    private static let old = "2026-01-01T00:00:00.000Z"
    private static let new = "2026-01-02T00:00:00.000Z"

    private func endpoint(_ id: String, _ date: String? = nil, _ attribute: String = "v") -> SinkFixture.Endpoint {
        SinkFixture.Endpoint(id, effectiveDate: date, attributes: ["a": [attribute]])
    }

    private struct Outcome: Equatable {
        /// The rows that are written.
        var endpoints: [Int]
        var attributes: [Int]
        var superseded: Int
        /// The tombstones whose keys the store is to lose.
        var gone: [Int]

        init(_ endpoints: [Int], _ attributes: [Int], _ superseded: Int, _ gone: [Int]) {
            self.endpoints = endpoints
            self.attributes = attributes
            self.superseded = superseded
            self.gone = gone
        }
    }

    /// - Parameter stored: rows of endpoints of which the store has newer ones.
    private func outcome(
        _ records: [SinkFixture.Record], conflict: ConflictPolicy = .last, stored: [Int] = []
    ) throws -> Outcome {
        let places = LayoutPlaces(SinkFixture.tables)
        let batch = SinkFixture.batch(records, commitNumber: 1, firstOrdinal: 0, runID: "r")
        try places.check(batch)
        return try batch.tables[0].withRows { users in
            try batch.tables[1].withRows { endpoints in
                var plan = MergePlan(places, users: users, endpoints: endpoints, conflict: conflict)
                let gone = try batch.tombstones.withRows { plan.applyTombstones($0, places, endpoints: endpoints) }
                for row in stored { plan.giveWay(row) }
                let attributes = try batch.tables[2].withRows { rows in
                    let owners = try PartOwners(
                        rows, of: SinkFixture.attributes, groupEnds: batch.tables[2].groupEnds, endpoints, plan)
                    return (0..<rows.count).filter { owners.isKept($0) }
                }
                return Outcome((0..<endpoints.count).filter { plan.writes($0) }, attributes, plan.superseded, gone)
            }
        }
    }

    @Test("Of two rows with one key the later one counts, and its parts")
    func repeated() throws {
        let result = try outcome([.line("u", endpoint("e")), .line("v", endpoint("f")), .line("w", endpoint("e"))])
        #expect(result == Outcome([1, 2], [1, 2], 1, []))
    }

    @Test("Where dates decide, the newer one counts, and of equally new ones the later")
    func newest() throws {
        func lines(_ dates: String?...) -> [SinkFixture.Record] { dates.map { .line("u", endpoint("e", $0)) } }
        #expect(try outcome(lines(Self.new, Self.old), conflict: .newest) == Outcome([0], [0], 1, []))
        #expect(try outcome(lines(Self.new, Self.new), conflict: .newest) == Outcome([1], [1], 1, []))
        #expect(try outcome(lines(Self.old, nil, Self.new, nil), conflict: .newest) == Outcome([2], [2], 3, []))
        #expect(try outcome(lines(Self.new, Self.old)) == Outcome([1], [1], 1, []))
    }

    @Test("A user who was fetched twice has what the second answer holds")
    func users() throws {
        let result = try outcome([.found("u", [endpoint("a"), endpoint("b")]), .found("u", [endpoint("b")])])
        #expect(result == Outcome([2], [2], 2, []))
        let places = LayoutPlaces(SinkFixture.tables)
        let batch = SinkFixture.batch(
            [.absent("u"), .absent("v"), .absent("u")], commitNumber: 1, firstOrdinal: 0, runID: "r")
        let written = try batch.tables[0].withRows { users in
            try batch.tables[1].withRows { endpoints in
                let plan = MergePlan(places, users: users, endpoints: endpoints, conflict: .last)
                return try (0..<3).filter { plan.writes(user: $0, users, of: try #require(places.users)) }
            }
        }
        #expect(written == [1, 2])
    }

    @Test("An endpoint gives way to a newer one of the store once")
    func store() throws {
        let records = [SinkFixture.Record.line("u", endpoint("e", Self.old)), .line("u", endpoint("f", Self.old))]
        #expect(try outcome(records, conflict: .newest, stored: [0, 0]) == Outcome([1], [1], 1, []))
    }

    @Test("A tombstone takes a row out unless that is newer, or later where dates don't decide")
    func tombstones() throws {
        let line = SinkFixture.Record.line("u", endpoint("e", Self.new))
        #expect(
            try outcome([line, .filtered("e", effectiveDate: Self.new)], conflict: .newest) == Outcome([], [], 1, [0]))
        #expect(
            try outcome([line, .filtered("e", effectiveDate: Self.old)], conflict: .newest) == Outcome([0], [0], 0, []))
        #expect(try outcome([line, .filtered("e", effectiveDate: Self.old)]) == Outcome([], [], 1, [0]))
        #expect(try outcome([.filtered("e", effectiveDate: Self.old), line]) == Outcome([0], [0], 0, []))
        #expect(try outcome([.filtered("f", effectiveDate: nil), .filtered("f", effectiveDate: nil)]).gone == [1])
    }

    @Test("Rows come in about the order of a column, equal ones as they were")
    func order() throws {
        let batch = SinkFixture.batch(
            ["p-3", "p-1", "p-2", "p-1"].map { .absent($0) }, commitNumber: 1, firstOrdinal: 0, runID: "r")
        #expect(try batch.tables[0].withRows { $0.order(by: 1) } == [1, 3, 2, 0])
    }

    @Test("A batch of another layout is refused")
    func layout() {
        let batch = SinkFixture.batch([], commitNumber: 1, firstOrdinal: 0, runID: "r", mode: .append)
        #expect(throws: PipelineError.self) { try LayoutPlaces(SinkFixture.tables).check(batch) }
    }
}
