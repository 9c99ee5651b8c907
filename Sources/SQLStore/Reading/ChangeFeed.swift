public import PipelineCore

/// The rows of a query, as many at a time as a buffer holds.
public protocol RowCursor {
    /// The next rows; nil behind the last one.
    mutating func nextRows() throws -> RowBuffer?
}

/// Puts a window's changes together from the rows of each table, which come in one order: reads on in each of them, and
/// holds no more than a buffer of each.
public struct ChangeFeed {
    private var endpoints: Lane
    private var parts: [Lane]
    private var removals: Lane

    /// The place of the table of parts that is read on in for the endpoint that was taken last; nil where it has no more.
    private var partsAtHand: Int?

    /// Enough for a call to be worth it: changes, and bytes of their rows.
    private static let enough = (changes: 1024, bytes: 1 << 20)

    /// - Parameters:
    ///   - queries: those of `StoredContent.changeQueries`.
    ///   - open: begins to read a query's rows.
    public init?(
        _ queries: [StoredContent.ChangeQuery], open: (StoredContent.ChangeQuery, String) throws -> any RowCursor
    ) rethrows {
        guard queries.count >= 2 else { return nil }
        var lanes: [Lane] = []
        for (number, query) in queries.enumerated() {
            let cursor = try query.sql.map { try open(query, $0) }
            let date: Column? =
                switch query.table.role {
                case .endpoints: MergeRecords.changedAt
                case .endpointParts: nil
                default: Column("logical_date", .time)
                }
            lanes.append(Lane(number, query.table, date: date, cursor: cursor))
        }
        endpoints = lanes.removeFirst()
        removals = lanes.removeLast()
        parts = lanes
    }

    /// The next changes, in the order in which a copy is to apply them; none behind the last one.
    public mutating func next() throws -> [StoredChange] {
        var changes: [StoredChange] = []
        var bytes = 0
        while changes.count < Self.enough.changes, bytes < Self.enough.bytes, let change = try take() {
            bytes += change.buffer.byteCount / change.buffer.rowCount * change.rows.count
            changes.append(change)
        }
        return changes
    }

    private mutating func take() throws -> StoredChange? {
        // No part is of another endpoint than one that comes: they are joined with them.
        while let place = partsAtHand {
            if try parts[place].load(), parts[place].isOfSameEndpoint(as: endpoints) { return parts[place].takeRows() }
            partsAtHand = place + 1 < parts.count ? place + 1 : nil
        }
        let hasRemoval = try removals.load()
        let hasEndpoint = try endpoints.load()
        if hasRemoval, !hasEndpoint || !endpoints.precedes(removals) { return removals.take() }
        guard hasEndpoint else { return nil }
        partsAtHand = parts.isEmpty ? nil : 0
        return endpoints.take()
    }
}

/// The rows of one table, with the key of the one at hand.
private struct Lane {
    private let table: Int
    private var cursor: (any RowCursor)?
    private let keyPlaces: [Int]
    private let datePlace: Int?
    private var buffer: RowBuffer?
    private var row = 0
    /// The date, where the table has one, and the endpoint's key, ended by zero bytes, which they don't hold: it sorts as rows do.
    private var date: [UInt8] = []
    private var key: [UInt8] = []
    /// Of the row that was taken last.
    private var takenKey: [UInt8] = []

    init(_ table: Int, _ definition: TableDefinition, date: Column?, cursor: (any RowCursor)?) {
        self.table = table
        self.cursor = cursor
        keyPlaces = ["application_id", "endpoint_id"].compactMap(definition.index)
        datePlace = date.flatMap { definition.index(of: $0.name) }
    }

    /// Makes sure that a row is at hand; false behind the last one.
    mutating func load() throws -> Bool {
        if buffer != nil { return true }
        guard let next = try cursor?.nextRows() else {
            cursor = nil
            return false
        }
        buffer = next
        row = 0
        readKey()
        return true
    }

    private mutating func readKey() {
        key.removeAll(keepingCapacity: true)
        date.removeAll(keepingCapacity: true)
        guard let buffer else { return }
        let first = row * buffer.columnCount
        buffer.withUnsafeContents { cells, arena in
            for place in keyPlaces {
                let cell = cells[first + place]
                if cell.kind.isText { key.append(contentsOf: arena.bytes(of: cell)) }
                key.append(0)
            }
            guard let datePlace, cells[first + datePlace].kind.isText else { return }
            date.append(contentsOf: arena.bytes(of: cells[first + datePlace]))
        }
    }

    private mutating func advance() {
        row += 1
        if row == buffer?.rowCount { buffer = nil } else { readKey() }
    }

    /// Whether the row at hand stands before another table's.
    func precedes(_ other: Lane) -> Bool {
        date == other.date ? key.lexicographicallyPrecedes(other.key) : date.lexicographicallyPrecedes(other.date)
    }

    /// Whether the row at hand belongs to the endpoint that was taken last.
    func isOfSameEndpoint(as endpoints: Lane) -> Bool { key == endpoints.takenKey }

    /// Takes the row at hand, which there must be.
    mutating func take() -> StoredChange {
        swap(&takenKey, &key)
        return taken { lane in lane.advance() }
    }

    /// Takes the row at hand and those of its endpoint that follow it in the buffer.
    mutating func takeRows() -> StoredChange {
        takenKey = key
        return taken { lane in
            repeat { lane.advance() } while lane.buffer != nil && lane.key == lane.takenKey
        }
    }

    private mutating func taken(_ advance: (inout Lane) -> Void) -> StoredChange {
        guard let held = buffer else { preconditionFailure("no row is at hand") }
        let first = row
        advance(&self)
        return StoredChange(table: table, buffer: held, rows: first..<row)
    }
}

extension Cell.Kind {
    fileprivate var isText: Bool {
        switch self {
        case .text, .time, .json: true
        case .null, .integer, .real: false
        }
    }
}
