/// A reader of a store in `merge`, which tells what merges changed there: for whoever keeps a copy of its tables.
///
/// All that it gives is of the same state of the store as the runs.
public protocol ChangeReader: SinkReader {
    /// How many endpoints went in a window, by run and reason.
    func removals(in window: ChangeWindow) async throws -> [StoredRemovals]
    /// How many endpoints no window has, because an earlier version wrote them and nothing has changed them since.
    func undatedEndpoints() async throws -> Int
    /// Begins to read a window's changes.
    ///
    /// - Returns: The tables whose rows follow, as the store has them: endpoints, their parts, and last the removals.
    func readChanges(in window: ChangeWindow) async throws -> [TableDefinition]
    /// The next changes, by date, then by the endpoint's key; none behind the last one.
    ///
    /// An endpoint's removals come before its own row, and all rows of its parts follow that. Removals of endpoints that
    /// came back by a run of an earlier date are left out: applied in this order the changes lead to what is stored.
    func nextChanges() async throws -> [StoredChange]
}

/// A range of logical dates, in the text form of the tables.
public struct ChangeWindow: Sendable, Hashable {
    /// The first one.
    public var since: String
    /// The last one; nil where there is no end.
    public var through: String?

    public init(since: String, through: String? = nil) {
        self.since = since
        self.through = through
    }
}

/// Endpoints of one run that went for one reason.
public struct StoredRemovals: Sendable, Hashable {
    public var runID: String
    public var reason: RemovalReason
    public var count: Int

    public init(runID: String, reason: RemovalReason, count: Int) {
        self.runID = runID
        self.reason = reason
        self.count = count
    }
}

/// Why an endpoint isn't where it was, as the table `removals` spells it.
public enum RemovalReason: String, Sendable, Hashable, CaseIterable {
    /// Its user is there without it.
    case gone
    /// Its user isn't there either.
    case absent
    /// A filter takes it out.
    case filtered
    /// It is there, with another user.
    case moved
}

/// Rows of one table that a change consists of.
public struct StoredChange: Sendable {
    /// The place of the table among those that the reader has named.
    public var table: Int
    public var buffer: RowBuffer
    /// The rows of the buffer that are meant.
    public var rows: Range<Int>

    public init(table: Int, buffer: RowBuffer, rows: Range<Int>) {
        self.table = table
        self.buffer = buffer
        self.rows = rows
    }
}
