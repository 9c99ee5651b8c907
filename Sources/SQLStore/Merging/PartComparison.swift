public import PipelineCore

/// What a batch brings in one table of parts, compared with what the store has of the same endpoints, so that nothing is
/// written that is the same.
///
/// The store's rows come one after the other, those of an endpoint in any order; each is met once.
public struct PartComparison {
    private enum State: UInt8 {
        /// The store hasn't shown a row with its key.
        case unmet
        case same
        case changed
    }

    /// The columns in the order in which a stored row is given: the key's, without those of the endpoint and the run, then
    /// the others.
    public let columns: [Int]
    private let keyCount: Int
    /// The types of `columns`.
    public let types: [ColumnType]
    private let rows: RowsInPlace
    private let groups: PartGroups
    private var states: [State]
    /// The group that was looked at last, and the place in it behind the row that was met last: stored rows often have the
    /// batch's order.
    private var group = 0..<0
    private var next = 0
    private var endpoint = -1
    /// The group's rows by the hash of their keys, as places + 1; made for a group whose order isn't the store's.
    private var slots: [Int32] = []
    private var hasSlots = false

    /// - Parameter rows: in place for as long as this value is used.
    public init(_ rows: RowsInPlace, of definition: TableDefinition, _ groups: PartGroups) {
        keyCount = Self.keyColumns(definition).count
        columns = Self.columns(definition)
        types = columns.map { definition.columns[$0].type }
        self.rows = rows
        self.groups = groups
        states = [State](repeating: .unmet, count: rows.count)
    }

    /// The places of what tells an endpoint's parts apart: the key's columns without those of the endpoint and the run.
    public static func keyColumns(_ definition: TableDefinition) -> [Int] {
        let owner = definition.ownerColumns
        return definition.key.filter { $0 != "run_id" }.compactMap(definition.index(of:))
            .filter { $0 != owner.application && $0 != owner.id }
    }

    /// The columns in the order in which a stored row is given.
    public static func columns(_ definition: TableDefinition) -> [Int] {
        let owner = definition.ownerColumns
        let key = keyColumns(definition)
        return key
            + definition.columns.indices.filter {
                !key.contains($0) && $0 != owner.application && $0 != owner.id
                    && definition.columns[$0].name != "run_id"
            }
    }

    // MARK: Meeting what is stored

    /// Meets a stored row.
    ///
    /// - Parameters:
    ///   - endpoint: its endpoint's row in the batch.
    ///   - value: gives the stored value of a place in `columns`; nil where it can't be compared, and then counts as another.
    /// - Returns: False where the batch has no such row: it is to go.
    public mutating func meet(_ endpoint: Int, _ value: (_ place: Int) -> StoredValue?) -> Bool {
        if endpoint != self.endpoint {
            self.endpoint = endpoint
            group = groups.group(of: endpoint)
            next = group.lowerBound
            hasSlots = false
        }
        guard let place = find(value) else { return false }
        next = place + 1
        let row = groups.rows[place]
        var isSame = true
        for place in keyCount..<columns.count where isSame {
            isSame = value(place)?.isSame(as: rows.cell(row, columns[place]), in: rows.arena) ?? false
        }
        states[row] = isSame ? .same : .changed
        return true
    }

    /// The place of the group's row with a stored row's key.
    private mutating func find(_ value: (_ place: Int) -> StoredValue?) -> Int? {
        if group.isEmpty { return nil }
        if next < group.upperBound, hasKey(groups.rows[next], value) { return next }
        if !hasSlots { fillSlots() }
        var hasher = Hasher()
        for place in 0..<keyCount { value(place)?.hash(into: &hasher) }
        var slot = hasher.finalize() & (slots.count - 1)
        while slots[slot] > 0 {
            let place = Int(slots[slot]) - 1
            if hasKey(groups.rows[place], value) { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func hasKey(_ row: Int, _ value: (_ place: Int) -> StoredValue?) -> Bool {
        for place in 0..<keyCount {
            guard value(place)?.isSame(as: rows.cell(row, columns[place]), in: rows.arena) == true else { return false }
        }
        return true
    }

    /// Open addressing over at least twice as many slots as there are rows.
    private mutating func fillSlots() {
        hasSlots = true
        var count = 8
        while count < group.count * 2 { count *= 2 }
        slots.removeAll(keepingCapacity: true)
        slots.append(contentsOf: repeatElement(0, count: count))
        for place in group {
            var hasher = Hasher()
            for column in columns[..<keyCount] {
                let cell = rows.cell(groups.rows[place], column)
                StoredValue(cell, in: rows.arena).hash(into: &hasher)
            }
            var slot = hasher.finalize() & (count - 1)
            while slots[slot] > 0 { slot = (slot + 1) & (count - 1) }
            slots[slot] = Int32(place + 1)
        }
    }

    // MARK: What comes of it

    /// Whether a row is to be written because the store lacks it, or because it has other values; nil where it is the same,
    /// or goes with no endpoint that is written.
    public func change(of row: Int, _ plan: MergePlan) -> Change? {
        guard let owner = groups.owner(of: row), plan.writes(owner) else { return nil }
        return switch states[row] {
        case .unmet: .added
        case .changed: .changed
        case .same: nil
        }
    }

    /// What becomes of a row that is written.
    public enum Change: Sendable {
        case added
        case changed
    }

    /// The endpoints, by their rows, with a part that the store lacks or has otherwise.
    public var differing: [Int] {
        var found: [Int] = []
        for row in groups.rows where states[row] != .same {
            if let owner = groups.owner(of: row), found.last != owner { found.append(owner) }
        }
        return found
    }

    /// Whether an endpoint has a row that the store lacks or has otherwise.
    public func differs(_ endpoint: Int) -> Bool {
        groups.group(of: endpoint).contains { states[groups.rows[$0]] != .same }
    }
}

extension StoredValue {
    fileprivate init(_ cell: Cell, in arena: UnsafeRawBufferPointer) {
        switch cell.kind {
        case .null: self = .null
        case .integer, .real: self.init(kind: cell.kind, bits: cell.bits, bytes: StoredValue.null.bytes)
        case .text, .json, .time: self = .bytes(cell.kind, arena.bytes(of: cell))
        }
    }

    /// Equal values hash alike; a key's integers are integers on both sides.
    fileprivate func hash(into hasher: inout Hasher) {
        hasher.combine(bits)
        hasher.combine(bytes: bytes)
    }
}
