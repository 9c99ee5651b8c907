internal import PipelineCore

/// Rows of a batch → segments of files, in parallel on the global executor.
struct BatchEncoder: Sendable {
    let tables: [any TableFormat]

    /// For each table its segments, in the order of the rows; none for a table without rows.
    func encode(_ buffers: [RowBuffer]) async throws -> [[FileSegment]] {
        var result: [[FileSegment?]] = []
        var work: [(table: Int, place: Int, rows: Range<Int>)] = []
        for (table, rows) in buffers.enumerated() {
            let ranges = Self.ranges(of: rows, bytes: FileSegment.usualLength, overhead: tables[table].rowOverhead)
            result.append(ranges.map { _ in nil })
            for (place, range) in ranges.enumerated() { work.append((table, place, range)) }
        }
        try await withThrowingTaskGroup(of: (table: Int, place: Int, segment: FileSegment).self) { group in
            for (table, place, range) in work {
                let (rows, format) = (buffers[table], tables[table])
                group.addTask { (table, place, try await Self.segment(range, of: rows, format)) }
            }
            for try await done in group { result[done.table][done.place] = done.segment }
        }
        return result.map { $0.compactMap(\.self) }
    }

    @concurrent private static func segment(
        _ range: Range<Int>, of rows: RowBuffer, _ format: any TableFormat
    ) async throws -> FileSegment {
        try format.encode(range, of: rows)
    }

    /// Cuts rows into ranges of about this many bytes of text, at least one row each. Depends on the rows alone.
    ///
    /// - Parameter overhead: bytes of text that a row takes beside its values.
    static func ranges(of rows: RowBuffer, bytes: Int, overhead: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        var size = 0
        let columns = rows.columnCount
        rows.withUnsafeContents { cells, _ in
            for row in 0..<rows.rowCount {
                size += overhead
                for cell in cells[row * columns..<(row + 1) * columns] { size += estimate(cell) }
                guard size >= bytes else { continue }
                result.append(start..<row + 1)
                start = row + 1
                size = 0
            }
        }
        if start < rows.rowCount { result.append(start..<rows.rowCount) }
        return result
    }

    /// Bytes of a value with nothing to escape; numbers, whose length isn't known yet, count as a few digits.
    private static func estimate(_ cell: Cell) -> Int {
        switch cell.kind {
        case .null, .integer, .real: 6
        case .text, .time, .json: Int(cell.length) + 2
        }
    }
}
