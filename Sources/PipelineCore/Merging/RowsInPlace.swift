/// One table's rows in place: cells and the arena that they point into.
///
/// Valid inside the closure of `RowBuffer.withRows` alone.
@frozen
public struct RowsInPlace {
    public let columnCount: Int
    public let cells: UnsafeBufferPointer<Cell>
    public let arena: UnsafeRawBufferPointer

    @inlinable
    public init(columnCount: Int, cells: UnsafeBufferPointer<Cell>, arena: UnsafeRawBufferPointer) {
        self.columnCount = columnCount
        self.cells = cells
        self.arena = arena
    }

    /// Rows.
    @inlinable public var count: Int { cells.count / columnCount }

    @inlinable public func cell(_ row: Int, _ column: Int) -> Cell { cells[row * columnCount + column] }
    /// The bytes of a text, JSON or time cell; none for a null.
    @inlinable public func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        arena.bytes(of: cell(row, column))
    }
}

extension RowBuffer {
    /// Gives the rows in place to a sink that binds or encodes straight from them.
    @inlinable
    public func withRows<R>(_ body: (RowsInPlace) throws -> R) throws -> R {
        try withUnsafeContents { (cells, arena) throws in
            try body(RowsInPlace(columnCount: columnCount, cells: cells, arena: arena))
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a text, JSON or time cell whose row buffer's arena this is.
    @inlinable
    public func bytes(of cell: Cell) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[Int(cell.bits)..<Int(cell.bits) + Int(cell.length)])
    }
}

extension RowsInPlace {
    /// The rows in about the order of a text column, so that neighbours in the table are written one after the other.
    ///
    /// Rows of random keys would each touch a page of their own, over and over; in order a batch touches each page once.
    /// Only eight bytes behind the common prefix are compared, and equal ones keep their order: it is no more than a hint.
    package func order(by column: Int) -> [Int] {
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
