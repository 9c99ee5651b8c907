internal import Glibc
internal import PipelineCore

/// Reads through a cursor and compares, with words for what differs.
struct UserReaderProbe {
    let check: UserReaderConformance.Check

    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw UserReaderConformance.Violation(check: check, message: message()) }
    }

    /// All records from a position on. Also requires what holds for every call: at most `limit` records, none empty but
    /// the last.
    func readAll(_ reader: any UserReader, from position: Position = .start, limit: Int = 1000) async throws
        -> [InputRecord]
    {
        let cursor = try await reader.open(at: position)
        var records: [InputRecord] = []
        do {
            while true {
                let next = try await cursor.next(limit: limit)
                try require(next.count <= limit, "next(limit: \(limit)) gave \(next.count) records")
                if next.isEmpty { break }
                records += next
            }
            let more = try await cursor.next(limit: limit)
            try require(more.isEmpty, "\(more.count) records came after the end")
        } catch {
            await cursor.close()
            throw error
        }
        await cursor.close()
        return records
    }

    func compareIDs(_ records: [InputRecord], with ids: [String]) throws {
        for (index, pair) in zip(records, ids).enumerated() {
            // Bytes are compared: equal strings can differ in them.
            if case .userID(let id) = pair.0.content, id.utf8.elementsEqual(pair.1.utf8) { continue }
            try require(false, "record \(index) is \(pair.0.content), not \(pair.1.debugDescription)")
        }
        try require(records.count == ids.count, "\(records.count) records came of \(ids.count) IDs")
    }

    func compare(_ records: [InputRecord], with expected: ArraySlice<InputRecord>, _ circumstances: String) throws {
        for (index, pair) in zip(records, expected).enumerated() {
            let same =
                pair.0.hashedBytes == pair.1.hashedBytes && pair.0.content == pair.1.content
                && pair.0.line == pair.1.line && pair.0.next == pair.1.next
            try require(same, "\(circumstances) record \(index) is \(pair.0), not \(pair.1)")
        }
        try require(
            records.count == expected.count, "\(circumstances) \(records.count) records came, not \(expected.count)")
    }

    /// Positions differ from one another and from the start; in input with lines these rise.
    func requireOrder(_ records: [InputRecord]) throws {
        var positions: Set<Position> = [.start]
        var offset: UInt64 = 0
        var line = 0
        for (index, record) in records.enumerated() {
            try require(positions.insert(record.next).inserted, "record \(index) ends at a position met before")
            if record.next.token.isEmpty {
                try require(record.next.offset > offset, "the offset doesn't rise with record \(index)")
                offset = record.next.offset
            }
            if record.line != 0 || line != 0 {
                try require(record.line > line, "line \(record.line) of record \(index) follows line \(line)")
                line = record.line
            }
        }
    }
}

/// How many file descriptors this process has open.
func openFileDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}
