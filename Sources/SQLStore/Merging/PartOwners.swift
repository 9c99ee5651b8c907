public import PipelineCore

/// Which rows of a table of parts belong to endpoints that are written, where a batch brings endpoints more than once.
public struct PartOwners {
    @usableFromInline var kept: [Bool]

    /// - Parameters:
    ///   - part: the table's definition; its key without `run_id` begins with (application_id, endpoint_id).
    ///   - groupEnds: for each endpoint's row the end of its parts; empty where whoever made the rows didn't say.
    /// - Throws: `PipelineError` of kind `.software` where dates decide and nothing says which parts are whose: the order of
    ///   rows doesn't tell then.
    public init(
        _ rows: RowsInPlace, of part: TableDefinition, groupEnds: [Int], _ endpointRows: RowsInPlace, _ plan: MergePlan
    ) throws {
        kept = [Bool](repeating: true, count: rows.count)
        if groupEnds.count == endpointRows.count, groupEnds.last ?? 0 == rows.count {
            var row = 0
            for (endpoint, end) in groupEnds.enumerated() {
                let writes = plan.writes(endpoint)
                while row < end {
                    kept[row] = writes
                    row += 1
                }
            }
            return
        }
        if plan.prefersNewest, rows.count > 0 {
            throw PipelineError(
                .software,
                "the rows of '\(part.name)' don't say which endpoint's they are, and 'conflict: newest' has to know")
        }
        // Parts follow the order of their endpoints, so the last unbroken run of an endpoint's parts is that of its
        // last row. A run also ends where it begins to repeat itself.
        let key = part.key.compactMap(part.index(of:))
        let (application, id) = part.ownerColumns
        func ownerKey(_ row: Int) -> KeyInPlace {
            KeyInPlace(application: rows.bytes(row, application), id: rows.bytes(row, id))
        }
        var lastRuns: [KeyInPlace: Int] = [:]
        var start = 0
        for row in 0..<rows.count {
            let owner = ownerKey(row)
            if row == 0 || owner != ownerKey(start) || rows.have(row, start, equal: key) { start = row }
            lastRuns[owner] = start
        }
        for row in 0..<rows.count {
            let owner = ownerKey(row)
            let isOutdated = plan.endpoints[owner].map { !plan.writes($0) } ?? false
            kept[row] = !isOutdated && row >= lastRuns[owner] ?? 0
        }
    }

    /// Whether a row of the table of parts is written.
    @inlinable public func isKept(_ row: Int) -> Bool { kept[row] }
}

extension RowsInPlace {
    /// Whether two rows have the same values in these columns.
    fileprivate func have(_ row: Int, _ other: Int, equal columns: [Int]) -> Bool {
        columns.allSatisfy { column in
            let (left, right) = (cell(row, column), cell(other, column))
            guard left.kind == right.kind else { return false }
            switch left.kind {
            case .null: return true
            case .integer, .real: return left.bits == right.bits
            case .text, .json, .time: return arena.bytes(of: left).hasSameBytes(as: arena.bytes(of: right))
            }
        }
    }
}
