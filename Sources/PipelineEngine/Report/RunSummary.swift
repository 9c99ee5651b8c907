internal import Flattening
public import PipelineCore

/// What a run has done, for a person and as one line of JSON. Counts and rows are the run's; requests and times are
/// this process's.
public struct RunSummary: Sendable {
    public struct SinkSummary: Sendable {
        public var name: String
        public var type: String
        public var target: String
        public var mode: WriteMode
        public var nextOrdinal: Int
        public var state: RunState
        public var counts: RunCounts
    }

    public var runID: String
    public var logicalDate: String
    public var state: RunState
    /// The first sink's.
    public var counts: RunCounts
    public var statistics: LookupStatistics
    public var elapsed: Duration
    /// Records that got their outcome in this process.
    public var processed: Int
    /// The ordinal at which this process took the run up; nil where it began it.
    public var resumedFrom: Int?
    /// An archive's files; nil for another input, and for a run that was complete before.
    public var files: ArchiveFileCounts?
    public var sinks: [SinkSummary]
    /// What a retry did, or a run that asked again for its failures; nil for any other run.
    public var retried: RetryCounts?
    /// Why it isn't a success though it came to its end, and what helps; nil where it is one, or didn't.
    public var shortcoming: String?

    var elapsedSeconds: Double {
        Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    }

    /// To the millisecond.
    var roundedElapsedSeconds: Double { rounded(elapsedSeconds) }

    var usersPerSecond: Double { elapsedSeconds > 0 ? Double(processed) / elapsedSeconds : 0 }

    /// One line of JSON, without a line break.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("run_id")
            writer.value(runID)
            writer.key("logical_date")
            writer.value(logicalDate)
            writer.key("state")
            writer.value(state.toldText)
            for (name, count) in counts.told(in: .summary) { writer.member(name, count) }
            writer.key("rows")
            writer.object { writer in
                for (table, rows) in counts.rows.sorted(by: { $0.key < $1.key }) {
                    writer.key(table)
                    writer.value(rows)
                }
            }
            if let files {
                writer.key("files")
                writer.object { writer in
                    for (key, value) in [("read", files.read), ("left_out", files.leftOut)] {
                        writer.key(key)
                        writer.value(value)
                    }
                }
            }
            for (key, value) in [
                ("requests", statistics.requests), ("retries", statistics.retries),
                ("throttled", statistics.throttled),
            ] {
                writer.key(key)
                writer.value(value)
            }
            writer.key("elapsed_seconds")
            writer.value(rounded(elapsedSeconds))
            writer.key("users_per_second")
            writer.value(rounded(usersPerSecond))
            writer.key("resumed_from")
            if let resumedFrom { writer.value(resumedFrom) } else { writer.null() }
            if let retried {
                writer.key("retried")
                writer.object { writer in
                    for (key, value) in [
                        ("found", retried.found), ("absent", retried.absent), ("failed", retried.failed),
                        ("left", retried.left),
                    ] {
                        writer.key(key)
                        writer.value(value)
                    }
                }
            }
            writer.key("sinks")
            writer.array { writer in
                for sink in sinks { append(sink, to: &writer) }
            }
        }
        return writer.text
    }

    private func append(_ sink: SinkSummary, to writer: inout JSONWriter) {
        writer.object { writer in
            for (key, value) in [
                ("name", sink.name), ("type", sink.type), ("target", sink.target), ("mode", sink.mode.rawValue),
            ] {
                writer.key(key)
                writer.value(value)
            }
            writer.key("next_ordinal")
            writer.value(sink.nextOrdinal)
            writer.key("state")
            writer.value(sink.state.toldText)
            writer.key("refused")
            writer.value(sink.counts.refused)
        }
    }

    private func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }

    /// Several lines for a person.
    public var text: String {
        var lines: [String] = []
        lines.append("run \(runID): \(description(state))")
        let account = "\(counts.records) = \(counts.found) found + \(counts.absent) absent + \(counts.failed) failed"
        lines.append("  records     " + ([account] + counts.clauses(of: .records)).joined(separator: "; "))
        let written = "\(counts.endpoints) written"
        lines.append("  endpoints   " + ([written] + counts.clauses(of: .endpoints)).joined(separator: ", "))
        let rows = counts.rows.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        if !rows.isEmpty { lines.append("  rows        \(rows)") }
        let columns = counts.clauses(of: .columns).joined(separator: "; ")
        if !columns.isEmpty { lines.append("  columns     \(columns)") }
        if let files, files.leftOut > 0 {
            lines.append("  files       \(files.read) read, \(files.leftOut) left out")
        }
        // An archive isn't asked.
        if statistics.requests > 0 {
            lines.append(
                "  calls       \(statistics.requests) sent, \(statistics.retries) retries, "
                    + "\(statistics.throttled) throttled")
        }
        let seconds = rounded(elapsedSeconds)
        lines.append("  time        \(seconds) s, \(Int(usersPerSecond.rounded())) records a second")
        if let resumedFrom { lines.append("  resumed     at ordinal \(resumedFrom)") }
        if let retried {
            let left = retried.left > 0 ? ", \(retried.left) that no call can mend" : ""
            lines.append(
                "  retried     \(retried.found) found + \(retried.absent) absent + \(retried.failed) failed again\(left)"
            )
        }
        for sink in sinks {
            var line =
                "  sink        \(sink.name): \(sink.type) \(sink.target) (\(sink.mode.rawValue)), "
                + (sink.state == .running ? "\(sink.nextOrdinal) records committed" : sink.state.rawValue)
            if sink.counts.refused > 0 { line += ", \(sink.counts.refused) records refused" }
            if let difference = difference(of: sink) { line += ", \(difference)" }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    private func description(_ state: RunState) -> String {
        switch state {
        case .running: "interrupted; run again to go on"
        case .unpublished: "all is fetched, but not published"
        case .complete, .abandoned: state.rawValue
        }
    }

    /// How a sink's account differs from the first one's, which a catch-up after a crash can cause.
    private func difference(of sink: SinkSummary) -> String? {
        let own = (sink.counts.found, sink.counts.absent, sink.counts.failed)
        guard own != (counts.found, counts.absent, counts.failed) else { return nil }
        return "its own account: \(own.0) found + \(own.1) absent + \(own.2) failed"
    }
}

extension RunState {
    /// As a summary tells it. Whoever reads one finds the run's lock free, so none is under way any more.
    var toldText: String { self == .running ? StoredRunGroup.interrupted : rawValue }
}

/// How one run ended in this process.
public struct RunReport: Sendable {
    /// Nil where the run didn't get as far as its sinks.
    public var summary: RunSummary?
    /// What stopped it; nil where it is complete, or had nothing to do.
    public var error: PipelineError?
    /// The code of a run that ended without an error.
    public var completionCode: Int32

    public init(summary: RunSummary?, error: PipelineError? = nil, completionCode: Int32 = 0) {
        self.summary = summary
        self.error = error
        self.completionCode = completionCode
    }

    public var exitCode: Int32 { error?.exitCode ?? completionCode }
}

extension RunPlan {
    /// Counts for a summary: tables without rows are told of as well.
    func withAllTables(_ counts: RunCounts) -> RunCounts {
        var counts = counts
        for table in sinks.first?.layout.tables ?? [] { counts.rows[table.name, default: 0] += 0 }
        return counts
    }
}
