internal import PipelineCore

/// Which rows of a table of parts belong to endpoints that are written, where a batch brings endpoints more than once.
struct PartOwners {
    private var kept: [Bool]

    /// - Parameters:
    ///   - groupEnds: for each endpoint's row the end of its parts; empty where whoever made the rows didn't say.
    init(
        _ rows: RowsInPlace, of part: TableWriter, groupEnds: [Int], _ endpointRows: RowsInPlace, _ plan: MergePlan
    ) {
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
        // Parts follow the order of their endpoints, so the last unbroken run of an endpoint's parts is that of its
        // last row. A run also ends where it begins to repeat itself.
        let key = part.definition.key.compactMap(part.definition.index(of:))
        var lastRuns: [KeyInPlace: Int] = [:]
        var start = 0
        for row in 0..<rows.count {
            let owner = Self.owner(rows, row, part)
            if row == 0 || owner != Self.owner(rows, start, part) || rows.have(row, start, equal: key) { start = row }
            lastRuns[owner] = start
        }
        for row in 0..<rows.count {
            let owner = Self.owner(rows, row, part)
            let isOutdated = plan.endpoints[owner].map { !plan.writes($0) } ?? false
            kept[row] = !isOutdated && row >= lastRuns[owner] ?? 0
        }
    }

    func isKept(_ row: Int) -> Bool { kept[row] }

    private static func owner(_ rows: RowsInPlace, _ row: Int, _ part: TableWriter) -> KeyInPlace {
        KeyInPlace(application: rows.bytes(row, part.application), id: rows.bytes(row, part.id))
    }
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
