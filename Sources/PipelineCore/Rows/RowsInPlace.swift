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
