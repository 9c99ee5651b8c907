internal import PipelineCore

/// Rows of a batch → compressed segments, in parallel on the global executor.
struct BatchEncoder: Sendable {
    private let lines: [JSONLines]
    private let level: Int
    /// Text of one table beyond which a batch is cut: the more pieces the faster, the fewer the smaller. A piece of 1 MiB
    /// costs less than a part in a thousand over one in whole.
    static let segmentSize = 1 << 20

    init(_ tables: [TableDefinition], level: Int) {
        lines = tables.map { JSONLines($0) }
        self.level = level
    }

    /// For each table its segments, in the order of the rows; none for a table without rows.
    func encode(_ tables: [RowBuffer]) async throws -> [[DeflateSegment]] {
        var result: [[DeflateSegment?]] = []
        var work: [(table: Int, place: Int, rows: Range<Int>)] = []
        for (table, rows) in tables.enumerated() {
            let ranges = lines[table].segments(of: rows, bytes: Self.segmentSize)
            result.append(ranges.map { _ in nil })
            for (place, range) in ranges.enumerated() { work.append((table, place, range)) }
        }
        try await withThrowingTaskGroup(of: (table: Int, place: Int, segment: DeflateSegment).self) { group in
            for (table, place, range) in work {
                let (rows, lines, level) = (tables[table], lines[table], level)
                group.addTask { (table, place, try await Self.segment(range, of: rows, lines, level: level)) }
            }
            for try await done in group { result[done.table][done.place] = done.segment }
        }
        return result.map { $0.compactMap(\.self) }
    }

    @concurrent private static func segment(
        _ range: Range<Int>, of rows: RowBuffer, _ lines: JSONLines, level: Int
    ) async throws -> DeflateSegment {
        var text = TextBuffer(capacity: segmentSize + segmentSize / 4)
        lines.append(range, of: rows, to: &text)
        return try DeflateSegment(text.bytes, rows: range.count, level: level)
    }
}
