/// The rows of one table of one batch: cells in row order over an append-only arena of bytes.
///
/// Building appends cells one after the other, a row being complete when `columnCount` of them are there. Nothing is
/// allocated for a row or a value. A finished buffer is a value that any number of sinks read at the same time.
public struct RowBuffer: Sendable {
    public let columnCount: Int
    /// All cells, row by row.
    public private(set) var cells: [Cell]
    /// The bytes that cells point into.
    public private(set) var arena: [UInt8]
    /// In a table of parts: for each endpoint's row in turn, how many rows of parts there are up to the end of its own.
    /// It tells a sink which of two equal endpoints in one batch a part belongs to.
    public private(set) var groupEnds: [Int] = []

    public init(columnCount: Int) {
        precondition(columnCount > 0, "a table has columns")
        self.columnCount = columnCount
        cells = []
        arena = []
    }

    /// - Precondition: Complete rows; cells point into the arena.
    init(columnCount: Int, cells: [Cell], arena: [UInt8], groupEnds: [Int]) {
        self.columnCount = columnCount
        self.cells = cells
        self.arena = arena
        self.groupEnds = groupEnds
    }

    /// Complete rows.
    @inlinable public var rowCount: Int { cells.count / columnCount }
    @inlinable public var isEmpty: Bool { cells.isEmpty }
    /// Memory that the rows take, in bytes.
    public var byteCount: Int { cells.count * MemoryLayout<Cell>.stride + arena.count }

    public mutating func reserve(rows: Int, bytes: Int) {
        cells.reserveCapacity(cells.count + rows * columnCount)
        arena.reserveCapacity(arena.count + bytes)
    }

    /// Appends one cell to the row at hand.
    public mutating func append(_ cell: Cell) { cells.append(cell) }

    /// Stores bytes in the arena and gives the cell that points to them; append it as often as it is needed.
    ///
    /// - Precondition: fewer than 4 GiB in one value; valid UTF-8; for `.time` exactly 24 bytes.
    public mutating func store(_ kind: Cell.Kind, _ bytes: UnsafeRawBufferPointer) -> Cell {
        let offset = UInt64(arena.count)
        arena.append(contentsOf: bytes)
        return Cell(kind: kind, bits: offset, length: UInt32(bytes.count))
    }

    /// Stores a string's UTF-8 in the arena.
    public mutating func store(_ kind: Cell.Kind, _ text: String) -> Cell {
        var text = text
        return text.withUTF8 { store(kind, UnsafeRawBufferPointer($0)) }
    }

    /// Says that the parts of one endpoint are complete, also where it has none.
    public mutating func endGroup() { groupEnds.append(rowCount) }

    /// Appends all rows of another buffer of the same table.
    public mutating func append(contentsOf other: RowBuffer) {
        precondition(other.columnCount == columnCount, "rows of another table")
        let shift = UInt64(arena.count)
        let rows = rowCount
        groupEnds.append(contentsOf: other.groupEnds.lazy.map { $0 + rows })
        arena.append(contentsOf: other.arena)
        cells.reserveCapacity(cells.count + other.cells.count)
        for var cell in other.cells {
            switch cell.kind {
            case .text, .json, .time: cell.bits += shift
            case .null, .integer, .real: break
            }
            cells.append(cell)
        }
    }

    /// Gives cells and arena to a sink that binds or encodes straight from them.
    @inlinable
    public func withUnsafeContents<R, E: Error>(
        _ body: (_ cells: UnsafeBufferPointer<Cell>, _ arena: UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        // `withUnsafeBufferPointer` and `withUnsafeBytes` rethrow untyped through a nested closure; the result keeps E.
        let result: Result<R, E> = cells.withUnsafeBufferPointer { cells in
            arena.withUnsafeBytes { arena in
                do throws(E) { return .success(try body(cells, arena)) } catch { return .failure(error) }
            }
        }
        return try result.get()
    }

    /// Visits every row as a small safe view that must not outlive the closure.
    public func forEachRow(_ body: (RowView) throws -> Void) rethrows { try forEachRow(in: 0..<rowCount, body) }

    /// Visits some of the rows, by their places from 0, as small safe views that must not outlive the closure.
    ///
    /// - Precondition: There are so many rows.
    public func forEachRow(in rows: Range<Int>, _ body: (RowView) throws -> Void) rethrows {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "no such rows")
        for row in rows { try body(RowView(buffer: self, row: row)) }
    }
}

/// One row, seen by a plugin author: `row[column]` as text, integer, number, JSON or null.
public struct RowView {
    let buffer: RowBuffer
    let row: Int

    /// A value in its plain form.
    public enum Value: Sendable, Equatable {
        case null
        case text(String)
        case integer(Int64)
        case number(Double)
        /// The JSON document's text.
        case json(String)
        case time(String)
    }

    /// The value in a column, by its place in the table's definition.
    public subscript(column: Int) -> Value {
        precondition(column >= 0 && column < buffer.columnCount, "no such column")
        let cell = buffer.cells[row * buffer.columnCount + column]
        switch cell.kind {
        case .null: return .null
        case .integer: return .integer(cell.integer)
        case .real: return .number(cell.real)
        case .text: return .text(text(cell))
        case .json: return .json(text(cell))
        case .time: return .time(text(cell))
        }
    }

    private func text(_ cell: Cell) -> String {
        let start = Int(cell.bits)
        return String(decoding: buffer.arena[start..<start + Int(cell.length)], as: UTF8.self)
    }
}
