internal import PipelineCore

/// Tells which rows of a store without keys count, where it has several with one key: those that a store with keys would have
/// kept.
///
/// - Of a user's rows that of the highest ordinal counts.
/// - Of an endpoint's rows `conflict` decides; and what came of a user before the user was fetched for the last time gave way to
///   that as a whole.
/// - An endpoint's parts go with it. They don't say with which of its rows they were written, but stand in the same order:
///   each row's parts in a stretch of their own. Where there are fewer stretches than rows nothing tells whose they are.
struct Repetitions {
    let side: TableComparison.Side
    let runID: String
    let conflict: ConflictPolicy

    /// - Parameter rows: In the order of their keys, each owner with all of its rows.
    func resolve(
        _ rows: [WindowRow]
    ) async throws -> (rows: [WindowRow], undecided: Set<ArraySlice<UInt8>>) {
        switch side.table.role {
        case .failures, .ledger: return (rows, [])
        case .users:
            var result: [WindowRow] = []
            for group in rows.grouped(by: { $0.key[...] }) {
                if let last = group.max(by: {
                    ($0.occurrence.ordinal, $0.sequence) < ($1.occurrence.ordinal, $1.sequence)
                }) {
                    result.append(last)
                }
            }
            return (result, [])
        case .endpoints:
            let winner = try await winner(users: Set(rows.map(\.occurrence.user)))
            let kept = rows.grouped(by: { $0.key[...] }).compactMap { group in
                winner.index(group.map(\.occurrence)).map { group[group.startIndex + $0] }
            }
            return (kept, [])
        case .endpointParts: return try await parts(rows)
        }
    }

    private func winner(users: Set<[UInt8]>) async throws -> Winner {
        guard let table = side.tables.first(where: { $0.role == .users }), !users.isEmpty else {
            return Winner(conflict: conflict, lastOrdinals: [:])
        }
        let reading = OccurrenceReading(table)
        var form = CanonicalRow(table, comparing: [])
        var last: [[UInt8]: Int64] = [:]
        try await side.reader.forEachBuffer(of: table, runID) { buffer in
            buffer.withUnsafeContents { cells, arena in
                for row in 0..<buffer.rowCount {
                    form.load(row, of: cells, columnCount: buffer.columnCount, arena)
                    guard users.contains(form.key) else { continue }
                    let ordinal = reading.occurrence(row, of: cells, columnCount: buffer.columnCount, arena).ordinal
                    last[form.key] = max(last[form.key] ?? ordinal, ordinal)
                }
            }
        }
        return Winner(conflict: conflict, lastOrdinals: last)
    }

    // MARK: Parts

    private func parts(
        _ rows: [WindowRow]
    ) async throws -> (rows: [WindowRow], undecided: Set<ArraySlice<UInt8>>) {
        let occurrences = try await occurrences(of: Set(rows.map(\.owner)))
        let winner = try await winner(users: Set(occurrences.values.flatMap { $0.map(\.user) }))
        var result: [WindowRow] = []
        var undecided: Set<ArraySlice<UInt8>> = []
        for group in rows.grouped(by: \.owner) {
            let owner = group[group.startIndex].owner
            // Parts without an endpoint are nobody's to judge.
            guard let own = occurrences[owner] else {
                result += group
                continue
            }
            guard let index = winner.index(own) else { continue }
            if own.count == 1 {
                result += group
                continue
            }
            let stretches = Self.stretches(group)
            if stretches.count == own.count {
                result += stretches[index].sorted { $0.key.lexicographicallyPrecedes($1.key) }
            } else {
                undecided.insert(owner)
            }
        }
        return (result, undecided)
    }

    /// An owner's parts by the endpoint's rows that they were written with, in the order of writing.
    private static func stretches(_ rows: ArraySlice<WindowRow>) -> [[WindowRow]] {
        var result: [[WindowRow]] = []
        var keys: Set<[UInt8]> = []
        var last = -1
        for row in rows.sorted(by: { $0.sequence < $1.sequence }) {
            // Somebody else's parts stand in between, or a key comes again.
            if row.sequence != last + 1 || keys.contains(row.key) {
                result.append([])
                keys = []
            }
            result[result.count - 1].append(row)
            keys.insert(row.key)
            last = row.sequence
        }
        return result
    }

    private func occurrences(of owners: Set<ArraySlice<UInt8>>) async throws -> [ArraySlice<UInt8>: [Occurrence]] {
        guard let table = side.tables.first(where: { $0.role == .endpoints }) else { return [:] }
        let reading = OccurrenceReading(table)
        var form = CanonicalRow(table, comparing: [])
        var result: [ArraySlice<UInt8>: [Occurrence]] = [:]
        try await side.reader.forEachBuffer(of: table, runID) { buffer in
            buffer.withUnsafeContents { cells, arena in
                for row in 0..<buffer.rowCount {
                    form.load(row, of: cells, columnCount: buffer.columnCount, arena)
                    guard owners.contains(form.key[...]) else { continue }
                    result[form.key[...], default: []].append(
                        reading.occurrence(row, of: cells, columnCount: buffer.columnCount, arena))
                }
            }
        }
        return result
    }
}

extension Array where Element == WindowRow {
    /// Neighbours with something in common.
    fileprivate func grouped(by value: (WindowRow) -> ArraySlice<UInt8>) -> [ArraySlice<WindowRow>] {
        var result: [ArraySlice<WindowRow>] = []
        var start = startIndex
        while start < endIndex {
            var end = start + 1
            while end < endIndex, value(self[end]) == value(self[start]) { end += 1 }
            result.append(self[start..<end])
            start = end
        }
        return result
    }
}
