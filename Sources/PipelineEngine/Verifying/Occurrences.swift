internal import PipelineCore

/// One of the rows that a store without keys may have of one user or endpoint.
struct Occurrence: Sendable {
    var ordinal: Int64 = 0
    /// The user of an endpoint, as a key.
    var user: [UInt8] = []
    /// The effective date of an endpoint; empty for none, which is older than any.
    var date: [UInt8] = []
}

/// Reads from the rows of a table what decides between equal keys.
struct OccurrenceReading: Sendable {
    private let ordinal: Int?
    private let user: [Int]
    private let date: Int?

    init(_ table: TableDefinition) {
        let isOwner = table.role == .users || table.role == .endpoints
        ordinal = isOwner ? table.index(of: "ordinal") : nil
        let names = ["application_id", "user_id"].compactMap { table.index(of: $0) }
        user = table.role == .endpoints && names.count == 2 ? names : []
        date = table.role == .endpoints ? table.index(of: "effective_date") : nil
    }

    func occurrence(
        _ row: Int, of cells: UnsafeBufferPointer<Cell>, columnCount: Int, _ arena: UnsafeRawBufferPointer
    ) -> Occurrence {
        let first = row * columnCount
        var result = Occurrence()
        if let ordinal, cells[first + ordinal].kind == .integer { result.ordinal = cells[first + ordinal].integer }
        for place in user { CanonicalRow.appendKey(cells[first + place], arena, to: &result.user) }
        if let date, case let cell = cells[first + date], cell.kind == .time {
            result.date = Array(arena[Int(cell.bits)..<Int(cell.bits) + Int(cell.length)])
        }
        return result
    }
}

/// Which of the endpoints with one key a store with keys would have kept.
struct Winner {
    let conflict: ConflictPolicy
    /// The highest ordinal under which a user was fetched: whatever came of it earlier gave way to that as a whole.
    let lastOrdinals: [[UInt8]: Int64]

    /// - Parameter occurrences: In the order of their rows.
    /// - Returns: The index of the one that counts; nil where none does.
    func index(_ occurrences: [Occurrence]) -> Int? {
        var winner: Int?
        let order = occurrences.indices.sorted {
            (occurrences[$0].ordinal, $0) < (occurrences[$1].ordinal, $1)
        }
        for index in order {
            if let winner, conflict == .newest,
                occurrences[index].date.lexicographicallyPrecedes(occurrences[winner].date)
            {
                continue
            }
            winner = index
        }
        guard let winner, let last = lastOrdinals[occurrences[winner].user] else { return winner }
        return occurrences[winner].ordinal < last ? nil : winner
    }
}
