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

        /// - Parameter names: the columns that are compared.
        init(
            reader: any SinkReader, isKeyed: Bool, table: TableDefinition, tables: [TableDefinition],
            comparing names: [String]
        ) {
            self.reader = reader
            self.isKeyed = isKeyed
            self.table = table
            self.tables = tables
            form = CanonicalRow(table, comparing: names)
            digest = TableDigest(form)
        }

        /// The same once all rows were read.
        func digested(_ runID: String) async throws -> Side {
            var side = self
            try await reader.forEachBuffer(of: table, runID) { side.digest.add($0) }
            return side
        }
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
        var unequal: [(left: WindowRow, right: WindowRow)] = []
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
            merge(mine.rows, others.rows, into: &finding, &unequal)
            guard let bound, !finding.isCut else { break }
            lower = bound
        }
        try await nameColumns(of: unequal, in: &finding)
        return finding
    }

    /// Says which columns of the rows differ: they are read once more, so that a window needs to hold hashes of rows alone.
    private func nameColumns(
        of unequal: [(left: WindowRow, right: WindowRow)], in finding: inout Finding
    ) async throws {
        if unequal.isEmpty { return }
        async let leftColumns = columns(of: unequal.map(\.left), left)
        async let rightColumns = columns(of: unequal.map(\.right), right)
        let (mine, others) = (try await leftColumns, try await rightColumns)
        for place in finding.differences.indices {
            let key = finding.differences[place].key
            guard let mine = mine[key], let others = others[key] else { continue }
            finding.differences[place].form = .columns(
                zip(left.form.columnNames, zip(mine, others)).filter { $1.0 != $1.1 }.map(\.0))
        }
    }

    private func columns(of rows: [WindowRow], _ side: Side) async throws -> [[UInt8]: [UInt64]] {
        let hashes = Dictionary(rows.map { ($0.key, $0.hash) }) { $1 }
        var form = side.form
        var found: [[UInt8]: [UInt64]] = [:]
        try await side.reader.forEachBuffer(of: side.table, runID) { buffer in
            buffer.withUnsafeContents { cells, arena in
                for row in 0..<buffer.rowCount {
                    form.load(row, of: cells, columnCount: buffer.columnCount, arena)
                    if let hash = hashes[form.key], hash == form.hash { found[form.key] = form.columnHashes }
                }
            }
        }
        return found
    }

    private func window(_ side: Side, from lower: ArraySlice<UInt8>) async throws -> DifferenceWindow {
        var window = DifferenceWindow(
            side.table, side.form, isKeyed: side.isKeyed, from: lower, capacity: capacity)
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
    private func merge(
        _ mine: [WindowRow], _ others: [WindowRow], into finding: inout Finding,
        _ unequal: inout [(left: WindowRow, right: WindowRow)]
    ) {
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
                    note(mine[left].key, .columns([]))
                    if !finding.isCut { unequal.append((mine[left], others[right])) }
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
