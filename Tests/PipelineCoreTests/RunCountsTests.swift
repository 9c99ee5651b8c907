import PipelineCore
import Testing

@Suite("Counts, and the checkpoints that hold them")
struct RunCountsTests {
    /// Each counter with a number of its own.
    static let counts: RunCounts = {
        var counts = RunCounts()
        for (number, counter) in RunCounts.counters.enumerated() { counts[counter] = number + 1 }
        counts.rows = ["users": 5, "failures": 1]
        return counts
    }()

    @Test("The table has every counter, once")
    func table() {
        let properties = Mirror(reflecting: Self.counts).children.compactMap { $0.value as? Int }
        #expect(properties.count == RunCounts.counters.count)
        // No two lines speak of one property, and none is missing.
        #expect(Set(properties) == Set(1...RunCounts.counters.count))
        #expect(Set(RunCounts.counters.map(\.name)).count == RunCounts.counters.count)
    }

    @Test("Sums and differences take in every counter and table")
    func arithmetic() {
        var sum = Self.counts
        sum += Self.counts
        for counter in RunCounts.counters { #expect(sum[counter] == 2 * Self.counts[counter]) }
        #expect(sum.rows == ["users": 10, "failures": 2])
        #expect(sum - Self.counts == Self.counts)
        #expect(Self.counts - Self.counts == RunCounts())
    }

    @Test("What wasn't known of a part isn't known of the whole; files are summed from the first on")
    func parts() {
        var part = RunCounts()
        part.changes = EndpointChanges(added: 2, changed: 1)
        part.files = ArchiveFileCounts(read: 3, leftOut: 1)
        var unknown = RunCounts()
        unknown += part
        #expect(unknown.changes == nil && unknown.files == part.files)
        var known = RunCounts()
        known.changes = EndpointChanges()
        known += part
        known += RunCounts()
        known += part
        #expect(known.changes == EndpointChanges(added: 4, changed: 2))
        #expect(known.files == ArchiveFileCounts(read: 6, leftOut: 2))
        #expect((known - part).changes == part.changes && (known - part).files == part.files)
        #expect(known.changesTold.map(\.count) == [4, 2, 0, 0])
        #expect(unknown.changesTold.map(\.count) == [nil, nil, nil, 0])
    }

    @Test("Counts are told of in the order of their subjects, and clauses leave out what is 0")
    func telling() {
        #expect(
            Self.counts.told(in: .summary).map { $0.name } == [
                "records", "found", "absent", "failed", "endpoints", "superseded", "removed", "filtered", "not_numbers",
            ])
        #expect(
            Self.counts.told(in: .status).map { $0.name } == [
                "records", "found", "absent", "failed", "refused", "endpoints", "superseded", "removed",
            ])
        #expect(RunCounts().clauses(of: .endpoints).isEmpty)
        var counts = RunCounts()
        counts.filtered = 3
        counts.removed = 2
        #expect(counts.clauses(of: .endpoints) == ["2 stale ones removed", "3 filtered out"])
    }

    // MARK: Checkpoints

    static let before = Checkpoint(
        runID: "run", commitNumber: 3, progress: .start, counts: counts, fingerprint: "fingerprint")

    static func batch() -> Batch {
        var counts = RunCounts()
        counts.found = 3
        counts.absent = 1
        counts.endpoints = 6
        counts.rows = ["users": 4, "endpoints": 6]
        var progress = RunProgress.start
        progress.nextOrdinal = 4
        return Batch(commitNumber: 4, tables: [], counts: counts, progress: progress)
    }

    @Test("What a sink alone counts may be anything")
    func observed() {
        var observed = RunCounts()
        observed.removed = 2
        observed.previousEndpoints = 7
        observed.superseded = 1
        let right = Self.before.advanced(by: Self.batch(), observed: observed)
        #expect(right.counts.removed == Self.before.counts.removed + 2)
        #expect(Self.before.differences(of: right, after: Self.batch()) == [])
        observed.refused = 1
        observed.endpoints = -2
        observed.rows = ["users": -1, "endpoints": -2, "failures": 1]
        let refusing = Self.before.advanced(by: Self.batch(), observed: observed)
        #expect(refusing.counts.endpoints == Self.before.counts.endpoints + 4)
        #expect(Self.before.differences(of: refusing, after: Self.batch()) == [])
        observed = RunCounts()
        observed.removed = 4
        observed.previousEndpoints = 9
        #expect(Self.before.differencesAtEnd(of: Self.before.completed(observed: observed)) == [])
    }

    struct Fault: Sendable {
        var clause: String
        var change: @Sendable (inout Checkpoint) -> Void

        init(_ clause: String, _ change: @escaping @Sendable (inout Checkpoint) -> Void) {
            self.clause = clause
            self.change = change
        }
    }

    static let faults: [Fault] = [
        Fault("run_id is other, not run") { $0.runID = "other" },
        Fault("commit_number is 5, not 4") { $0.commitNumber = 5 },
        Fault("next_ordinal is 3, not 4") { $0.progress.nextOrdinal = 3 },
        Fault("input_ended is true, not false") { $0.progress.inputEnded = true },
        Fault("position differs") { $0.progress.position = Position(offset: 1) },
        Fault("parked differs") { $0.progress.parked = [ParkedRecord(ordinal: 1, position: .start)] },
        Fault("input_hash is 0, not \(RunProgress.start.inputHash)") { $0.progress.inputHash = "0" },
        Fault("source_state differs") { $0.progress.sourceState = "{}" },
        Fault("fingerprint is 0, not fingerprint") { $0.fingerprint = "0" },
        Fault("found is 5, not 4") { $0.counts.found = 5 }, Fault("absent is 2, not 3") { $0.counts.absent = 2 },
        Fault("other_shards is 13, not 12") { $0.counts.otherShards = 13 },
        // Fewer because of nothing, or more than there are.
        Fault("endpoints is 10, not 11") { $0.counts.endpoints = 10 },
        Fault("endpoints is 12, not 11") {
            $0.counts.endpoints = 12
            $0.counts.refused += 1
        },
        Fault("rows.users is 8, not 9") { $0.counts.rows["users"] = 8 },
        Fault("rows.more is 1, not 0") { $0.counts.rows["more"] = 1 },
    ]

    @Test("Whatever else a checkpoint has wrong is named", arguments: faults)
    func differences(fault: Fault) {
        var wrong = Self.before.advanced(by: Self.batch(), observed: RunCounts())
        fault.change(&wrong)
        #expect(Self.before.differences(of: wrong, after: Self.batch()) == [fault.clause])
    }

    @Test("At a run's end nothing is refused and no row is added")
    func differencesAtEnd() {
        var wrong = Self.before
        wrong.counts.refused += 1
        wrong.counts.rows["users"] = 6
        wrong.commitNumber = 4
        #expect(
            Self.before.differencesAtEnd(of: wrong)
                == ["commit_number is 4, not 3", "refused is 10, not 9", "rows.users is 6, not 5"])
    }
}
