/// What a run has done so far, or what a part of it adds to that. The account balances:
/// `records == found + absent + failed`, parked users and other shards' records aside.
///
/// A new counter is a property here, a line in `counters`, and the place that counts it; sums, stored counts, summaries and
/// status go by the table.
public struct RunCounts: Sendable, Hashable {
    public var found = 0
    public var absent = 0
    public var failed = 0
    /// Failed records of them that held no usable ID, so that nobody could be asked for them.
    public var invalid = 0
    /// Endpoints that were written.
    public var endpoints = 0
    /// Endpoints of this same run that gave way to later answers for the same user or key.
    public var superseded = 0
    /// Endpoints that users had in the store before this run and no longer have; one that moved to another user of the batch
    /// doesn't count.
    public var removed = 0
    /// Endpoints that the store had before for the users fetched so far, rows of this same run aside: what `removed` is a
    /// share of.
    public var previousEndpoints = 0
    /// Records that the sink refused because of their content; a row of `failures` stands for each.
    public var refused = 0
    /// Endpoints that filters took out.
    public var filtered = 0
    /// Values for columns of numbers that aren't numbers: `extra` holds them.
    public var notNumbers = 0
    /// Records that belong to other shards.
    public var otherShards = 0
    /// Rows written, by table.
    public var rows: [String: Int] = [:]
    /// What a merge made of the endpoints that were there before the run; nil where the store doesn't know it.
    public var changes: EndpointChanges?
    /// The files of an archive that have been read or left out so far; nil for an input that is no archive.
    public var files: ArchiveFileCounts?

    public init() {}

    /// Every counter, in the order of the stored counts.
    public static let counters: [Counter] = [
        Counter("found", \.found, of: .records, tells: [.summary, .status]),
        Counter("absent", \.absent, of: .records, tells: [.summary, .status]),
        Counter("failed", \.failed, of: .records, tells: [.summary, .status]),
        // Earlier versions don't know it, and pass over it.
        Counter("invalid", \.invalid, of: .records, isStoredAtZero: false),
        Counter("endpoints", \.endpoints, of: .endpoints, by: .correctedBySink, tells: [.summary, .status]),
        Counter(
            "superseded", \.superseded, of: .endpoints, by: .sink, tells: [.summary, .status],
            clause: "superseded within the run"),
        Counter(
            "removed", \.removed, of: .endpoints, by: .sink, tells: [.summary, .status], clause: "stale ones removed"),
        Counter("previous_endpoints", \.previousEndpoints, of: .endpoints, by: .sink),
        Counter("refused", \.refused, of: .records, by: .sink, tells: .status),
        Counter("filtered", \.filtered, of: .endpoints, tells: .summary, clause: "filtered out"),
        Counter(
            "not_numbers", \.notNumbers, of: .columns, tells: .summary,
            clause: "values are no numbers; 'extra' holds them"),
        Counter("other_shards", \.otherShards, of: .records, clause: "more belong to other shards"),
    ]

    /// Records with an outcome.
    public var records: Int { found + absent + failed }

    public static func += (left: inout RunCounts, right: RunCounts) {
        for counter in counters { left[counter] += right[counter] }
        left.rows.merge(right.rows, uniquingKeysWith: +)
        // What wasn't known of a part isn't known of the whole.
        if let changes = right.changes { left.changes? += changes }
        if let files = right.files { left.files = (left.files ?? ArchiveFileCounts()) + files }
    }

    /// What has to be added to `right` to come to `left`; tables with as many rows in both aren't in it.
    public static func - (left: RunCounts, right: RunCounts) -> RunCounts {
        var difference = left
        for counter in counters { difference[counter] -= right[counter] }
        difference.rows.merge(right.rows.mapValues { -$0 }, uniquingKeysWith: +)
        difference.rows = difference.rows.filter { $0.value != 0 }
        if let changes = right.changes { difference.changes? -= changes }
        if let files = right.files { difference.files = (left.files ?? ArchiveFileCounts()) - files }
        return difference
    }

    public subscript(_ counter: Counter) -> Int {
        get { self[keyPath: counter.value] }
        set { self[keyPath: counter.value] = newValue }
    }
}
