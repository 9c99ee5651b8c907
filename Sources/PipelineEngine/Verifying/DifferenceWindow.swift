internal import PipelineCore

/// A row among those that may differ.
struct WindowRow: Sendable {
    var key: [UInt8]
    var ownerLength: Int
    var hash: UInt128
    /// The row's place among all rows of the table.
    var sequence: Int
    /// What decides between rows with one key, in a store without keys.
    var occurrence: Occurrence

    var owner: ArraySlice<UInt8> { key.prefix(ownerLength) }
}

/// The rows with the lowest keys among those that may differ: as many as fit, each owner with all of its rows.
struct DifferenceWindow: Sendable {
    private(set) var rows: [WindowRow] = []
    /// The first owner that has no place any more; nil where all have.
    private(set) var bound: ArraySlice<UInt8>?
    private let lower: ArraySlice<UInt8>
    private let capacity: Int
    private var form: CanonicalRow
    /// Nil for a store with keys.
    private let reading: OccurrenceReading?
    private var sequence = 0

    /// - Parameters:
    ///   - lower: The first owner that counts.
    ///   - capacity: About how many rows are held.
    init(
        _ table: TableDefinition, _ form: CanonicalRow, isKeyed: Bool, from lower: ArraySlice<UInt8>, capacity: Int
    ) {
        self.form = form
        self.lower = lower
        self.capacity = capacity
        reading = isKeyed ? nil : OccurrenceReading(table)
    }

    mutating func add(_ buffer: RowBuffer, where mayDiffer: (ArraySlice<UInt8>) -> Bool) {
        buffer.withUnsafeContents { cells, arena in
            for row in 0..<buffer.rowCount {
                form.load(row, of: cells, columnCount: buffer.columnCount, arena)
                sequence += 1
                let owner = form.key.prefix(form.ownerLength)
                guard mayDiffer(owner), !owner.lexicographicallyPrecedes(lower),
                    bound.map({ owner.lexicographicallyPrecedes($0) }) ?? true
                else { continue }
                rows.append(
                    WindowRow(
                        // No larger than it has to be: there are many.
                        key: form.key.withUnsafeBytes { Array($0) }, ownerLength: form.ownerLength,
                        hash: form.hash, sequence: sequence,
                        occurrence: reading?.occurrence(row, of: cells, columnCount: buffer.columnCount, arena)
                            ?? Occurrence()))
                if rows.count >= capacity + capacity / 2 { shrink() }
            }
        }
    }

    /// Puts the rows in the order of their keys, and lets go of those that are too many.
    mutating func finish() {
        shrink()
        sort()
    }

    private mutating func sort() {
        rows.sort {
            $0.key == $1.key ? $0.sequence < $1.sequence : $0.key.lexicographicallyPrecedes($1.key)
        }
    }

    private mutating func shrink() {
        guard rows.count > capacity else { return }
        sort()
        var end = capacity
        while end > 0, rows[end - 1].owner == rows[capacity].owner { end -= 1 }
        if end == 0 {
            // One owner fills all of it: it stays whole.
            end = capacity
            while end < rows.count, rows[end].owner == rows[0].owner { end += 1 }
            guard end < rows.count else { return }
        }
        bound = ArraySlice(Array(rows[end].owner))
        rows.removeLast(rows.count - end)
    }

    /// The rows of the owners before another window's bound.
    func rows(before bound: ArraySlice<UInt8>?) -> [WindowRow] {
        guard let bound else { return rows }
        return rows.filter { $0.owner.lexicographicallyPrecedes(bound) }
    }
}
