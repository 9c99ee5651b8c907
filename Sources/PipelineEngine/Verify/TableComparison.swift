internal import PipelineCore

/// Finds the first differing keys of a table in two stores, in memory that doesn't grow with the table.
///
/// The digests have told in which buckets the differences are. Among the rows of these, those with the lowest keys are held of
/// both stores, as many as fit, and compared; then those behind them, until enough is found or nothing is left. Where a store
/// has no keys, the rows that gave way to later ones are told apart here, because only they and differences are in the way.
struct TableComparison {
    let left: Side
    let right: Side
    let runID: String
    let conflict: ConflictPolicy
    /// No more keys than this are named.
    let limit: Int
    /// Rows that are held of each store.
    let capacity: Int

    /// One of the stores, with what is compared of it.
    struct Side: Sendable {
        var reader: any SinkReader
        var isKeyed: Bool
        var table: TableDefinition
        /// All tables of the sink, to look up what decides between equal keys.
        var tables: [TableDefinition]
        var form: CanonicalRow
        var digest: TableDigest
    }

    /// What was found.
    struct Finding: Sendable {
        var differences: [Difference] = []
        /// There may be more.
        var isCut = false
        /// Endpoints whose rows can't be told apart where they repeat, and aren't compared.
        var undecided = 0
    }

    struct Difference: Sendable {
        var key: [UInt8]
        var form: Form

        enum Form: Sendable, Equatable {
            case onlyLeft
            case onlyRight
            /// The columns' names.
            case columns([String])
        }
    }

    func find() async throws -> Finding {
        var finding = Finding()
        if left.digest.isEqual(to: right.digest) { return finding }
        var lower: ArraySlice<UInt8> = []
        while true {
            let start = lower
            async let leftWindow = window(left, from: start)
            async let rightWindow = window(right, from: start)
            let windows = (try await leftWindow, try await rightWindow)
            let bound = [windows.0.bound, windows.1.bound].compactMap(\.self).min { $0.lexicographicallyPrecedes($1) }
            async let leftRows = rows(windows.0, before: bound, left)
            async let rightRows = rows(windows.1, before: bound, right)
            var (mine, others) = (try await leftRows, try await rightRows)
            let undecided = mine.undecided.union(others.undecided)
            finding.undecided += undecided.count
            mine.rows.removeAll { undecided.contains($0.owner) }
            others.rows.removeAll { undecided.contains($0.owner) }
            merge(mine.rows, others.rows, into: &finding)
            if finding.isCut { return finding }
            guard let bound else { return finding }
            lower = bound
        }
    }

    private func window(_ side: Side, from lower: ArraySlice<UInt8>) async throws -> DifferenceWindow {
        var window = DifferenceWindow(side.table, side.form, from: lower, capacity: capacity)
        try await side.reader.forEachBuffer(of: side.table, runID) { buffer in
            window.add(buffer) { left.digest.mayDiffer($0, from: right.digest) }
        }
        window.finish()
        return window
    }

    /// The rows that count, in the order of their keys, and the owners whose rows can't be told apart.
    private func rows(
        _ window: DifferenceWindow, before bound: ArraySlice<UInt8>?, _ side: Side
    ) async throws -> (rows: [WindowRow], undecided: Set<ArraySlice<UInt8>>) {
        let rows = window.rows(before: bound)
        guard !side.isKeyed else { return (rows, []) }
        return try await Repetitions(side: side, runID: runID, conflict: conflict).resolve(rows)
    }

    /// - Parameters: in the order of their keys.
    private func merge(_ mine: [WindowRow], _ others: [WindowRow], into finding: inout Finding) {
        var (left, right) = (mine.startIndex, others.startIndex)
        func note(_ key: [UInt8], _ form: Difference.Form) {
            if finding.differences.count == limit {
                finding.isCut = true
            } else {
                finding.differences.append(Difference(key: key, form: form))
            }
        }
        while left < mine.endIndex || right < others.endIndex, !finding.isCut {
            if right == others.endIndex
                || left < mine.endIndex && mine[left].key.lexicographicallyPrecedes(others[right].key)
            {
                note(mine[left].key, .onlyLeft)
                left += 1
            } else if left == mine.endIndex || mine[left].key != others[right].key {
                note(others[right].key, .onlyRight)
                right += 1
            } else {
                if mine[left].hash != others[right].hash {
                    let names = zip(self.left.form.columnNames, zip(mine[left].columns, others[right].columns))
                        .filter { $1.0 != $1.1 }.map(\.0)
                    note(mine[left].key, .columns(names))
                }
                left += 1
                right += 1
            }
        }
    }
}

extension SinkReader {
    /// Gives all rows of a table, some at a time.
    func forEachBuffer(of table: TableDefinition, _ runID: String, _ body: (RowBuffer) throws -> Void) async throws {
        try await read(table, ofRun: runID)
        while let buffer = try await nextRows() {
            try Task.checkCancellation()
            try body(buffer)
        }
    }
}
