public import PipelineCore

extension RowsInPlace {
    /// The rows in about the order of a text column, so that neighbours in the table are written one after the other.
    ///
    /// Rows of random keys would each touch a page of their own, over and over; in order a batch touches each page once.
    /// Only eight bytes behind the common prefix are compared, and equal ones keep their order: it is no more than a hint.
    public func order(by column: Int) -> [Int] {
        guard count > 1 else { return Array(0..<count) }
        let skipped = commonPrefix(of: column)
        var keys: [(prefix: UInt64, row: Int)] = []
        keys.reserveCapacity(count)
        var isOrdered = true
        for row in 0..<count {
            let bytes = bytes(row, column)
            var prefix: UInt64 = 0
            for place in skipped..<skipped + 8 {
                prefix = prefix << 8 | (place < bytes.count ? UInt64(bytes[place]) : 0)
            }
            if let last = keys.last, last.prefix > prefix { isOrdered = false }
            keys.append((prefix, row))
        }
        if !isOrdered { keys.sort { $0 < $1 } }
        return keys.map(\.row)
    }

    private func commonPrefix(of column: Int) -> Int {
        let first = bytes(0, column)
        var length = first.count
        for row in 1..<count where length > 0 {
            let other = bytes(row, column)
            length = min(length, other.count)
            var same = 0
            while same < length, first[same] == other[same] { same += 1 }
            length = same
        }
        return length
    }
}
