internal import PipelineCore

/// The failures of several sinks, by ordinal, a part at a time.
///
/// The sinks' failures can differ: one that caught up after a crash has asked for itself, one has refused what another took,
/// and a retry that was killed has amended some of them only.
struct FailedRecords {
    /// One part: what each sink has at these ordinals.
    struct Part {
        /// By ordinal, then by the sink's place.
        var records: [Int: [Int: FailedRecord]] = [:]

        var ordinals: [Int] { records.keys.sorted() }
    }

    private let sessions: [(index: Int, session: any SinkSession)]
    private var next: Int? = 0
    /// So many are held at once, of each sink.
    private let limit: Int

    init(_ sessions: [(index: Int, session: any SinkSession)], limit: Int = 50_000) {
        self.sessions = sessions
        self.limit = limit
    }

    /// The next part, nil at the end.
    ///
    /// - Throws: `CancellationError` where the runner's stop ended the wait for a sink.
    mutating func nextPart(_ runner: PipelineRunner) async throws -> Part? {
        guard let start = next else { return nil }
        var part = Part()
        var bound = Int.max
        for (index, session) in sessions {
            let records = try await runner.untilStopped { [limit] in
                try await session.failures(from: start, limit: limit)
            }
            // Beyond this one the sink may have more.
            if records.count == limit, let last = records.last { bound = min(bound, last.ordinal) }
            for record in records { part.records[record.ordinal, default: [:]][index] = record }
        }
        part.records = part.records.filter { $0.key <= bound }
        next = bound == .max ? nil : bound + 1
        return part.records.isEmpty ? nil : part
    }
}
