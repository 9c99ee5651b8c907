/// Builds a `RowBuffer` at speed: room is made for many values at once, and a writer then fills it without asking again.
public struct RowBuilder: Sendable {
    public let columnCount: Int
    /// Cells and bytes written so far; the arrays are longer, and what lies behind has no meaning.
    @usableFromInline private(set) var cellCount = 0
    @usableFromInline private(set) var byteCount = 0
    @usableFromInline private(set) var cells: [Cell] = []
    @usableFromInline private(set) var arena: [UInt8] = []
    /// As the buffer's: the ends of the groups so far.
    private var groupEnds: [Int] = []
    /// What the rows before these took.
    private var expectedCells = 0
    private var expectedBytes = 0

    public init(columnCount: Int) {
        precondition(columnCount > 0, "a table has columns")
        self.columnCount = columnCount
    }

    /// Complete rows.
    public var rowCount: Int { cellCount / columnCount }
    /// Memory that the rows take, in bytes.
    public var memory: Int { cellCount * MemoryLayout<Cell>.stride + byteCount }

    /// Makes room, and lends it to a writer that must not outlive the closure.
    ///
    /// - Parameters:
    ///   - cells: No more cells than this are appended.
    ///   - bytes: No more bytes than this are stored.
    @inlinable
    public mutating func write<R>(cells: Int, bytes: Int, _ body: (inout RowWriter) -> R) -> R {
        if cellCount &+ cells > self.cells.count { growCells(cells) }
        if byteCount &+ bytes &+ RowWriter.margin > arena.count { growArena(bytes) }
        let cellCount = cellCount
        let byteCount = byteCount
        let (result, cellEnd, byteEnd) = self.cells.withUnsafeMutableBufferPointer { cells in
            arena.withUnsafeMutableBufferPointer { arena in
                var writer = RowWriter(cells: cells, cellCount: cellCount, arena: arena, byteCount: byteCount)
                let result = body(&writer)
                return (result, writer.cellCount, writer.byteCount)
            }
        }
        advance(cellEnd, byteEnd)
        return result
    }

    @usableFromInline
    mutating func advance(_ cells: Int, _ bytes: Int) {
        cellCount = cells
        byteCount = bytes
    }

    @usableFromInline @inline(never)
    mutating func growCells(_ more: Int) { Self.grow(&cells, used: cellCount, more, atLeast: expectedCells) }

    @usableFromInline @inline(never)
    mutating func growArena(_ more: Int) {
        Self.grow(&arena, used: byteCount, more + RowWriter.margin, atLeast: expectedBytes)
    }

    /// - Precondition: `used` elements are there.
    private static func grow<T: BitwiseCopyable>(_ array: inout [T], used: Int, _ more: Int, atLeast: Int) {
        precondition(used <= array.count, "what is used is there")
        let count = max(64, atLeast, array.count * 2, used + more)
        array = Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            array.withUnsafeBufferPointer { old in
                if used > 0, let start = buffer.baseAddress, let old = old.baseAddress {
                    start.initialize(from: old, count: used)
                }
            }
            // safe: plain bits, which nobody reads before a writer has set them.
            initialized = count
        }
    }

    /// Stores bytes and gives the cell that points to them; append it as often as it is needed.
    public mutating func store(_ kind: Cell.Kind, _ bytes: UnsafeRawBufferPointer) -> Cell {
        write(cells: 0, bytes: bytes.count) { writer in
            guard let start = bytes.baseAddress else { return writer.store(kind, count: 0) { _ in 0 } }
            return writer.store(kind, start.assumingMemoryBound(to: UInt8.self), bytes.count, readable: bytes.count)
        }
    }

    /// Stores a string's UTF-8.
    public mutating func store(_ kind: Cell.Kind, _ text: String) -> Cell {
        var text = text
        return text.withUTF8 { store(kind, UnsafeRawBufferPointer($0)) }
    }

    /// Appends one cell to the row at hand.
    public mutating func append(_ cell: Cell) { write(cells: 1, bytes: 0) { $0.append(cell) } }

    /// Says that the parts of one endpoint are complete, also where it has none.
    public mutating func endGroup() { groupEnds.append(rowCount) }

    /// How much a builder held at some time.
    public struct Mark: Sendable {
        let cells: Int
        let bytes: Int
        let groups: Int
    }

    public var mark: Mark { Mark(cells: cellCount, bytes: byteCount, groups: groupEnds.count) }

    /// Forgets all cells and bytes that came after the mark; cells stored since then are not to be used any more.
    public mutating func truncate(to mark: Mark) {
        advance(mark.cells, mark.bytes)
        groupEnds.removeLast(groupEnds.count - mark.groups)
    }

    /// Gives the rows; the builder is empty then, and expects about as many.
    ///
    /// - Precondition: Rows are complete.
    public mutating func finish() -> RowBuffer {
        precondition(cellCount % columnCount == 0, "the last row is complete")
        var cells: [Cell] = []
        var arena: [UInt8] = []
        swap(&cells, &self.cells)
        swap(&arena, &self.arena)
        cells.removeLast(cells.count - cellCount)
        arena.removeLast(arena.count - byteCount)
        advance(0, 0)
        // Room for the next rows is made when they come: until then the memory of these may be free again.
        expectedCells = cells.count + cells.count / 8
        expectedBytes = arena.count + arena.count / 8
        defer { groupEnds = [] }
        return RowBuffer(columnCount: columnCount, cells: cells, arena: arena, groupEnds: groupEnds)
    }
}

/// Room of a `RowBuilder`, while it lends it: appends cells and bytes with one comparison each.
@frozen
public struct RowWriter {
    /// Copies may write this many bytes beyond a value's end.
    @inlinable static var margin: Int { 16 }

    @usableFromInline let cells: UnsafeMutableBufferPointer<Cell>
    @usableFromInline let arena: UnsafeMutableBufferPointer<UInt8>
    @usableFromInline var cellCount: Int
    @usableFromInline var byteCount: Int

    @inlinable
    init(
        cells: UnsafeMutableBufferPointer<Cell>, cellCount: Int, arena: UnsafeMutableBufferPointer<UInt8>,
        byteCount: Int
    ) {
        self.cells = cells
        self.arena = arena
        self.cellCount = cellCount
        self.byteCount = byteCount
    }

    /// Appends one cell to the row at hand.
    @inlinable @inline(__always)
    public mutating func append(_ cell: Cell) {
        precondition(cellCount < cells.count, "more cells than there is room for")
        // safe: a buffer with room has an address.
        cells.baseAddress.unsafelyUnwrapped[cellCount] = cell
        cellCount &+= 1
    }

    /// Stores bytes and gives the cell that points to them.
    ///
    /// - Parameter readable: How many bytes may be read from `bytes` on, at least `count`; where there are more, copying
    ///   goes by words.
    @inlinable @inline(__always)
    public mutating func store(
        _ kind: Cell.Kind, _ bytes: UnsafePointer<UInt8>, _ count: Int, readable: Int
    ) -> Cell {
        precondition(byteCount &+ count &+ Self.margin <= arena.count, "more bytes than there is room for")
        // safe: a buffer with room has an address.
        let target = UnsafeMutableRawPointer(arena.baseAddress.unsafelyUnwrapped + byteCount)
        let source = UnsafeRawPointer(bytes)
        if count <= 64, count &+ Self.margin <= readable {
            var offset = 0
            repeat {
                let words = source.loadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
                target.storeBytes(of: words, toByteOffset: offset, as: SIMD2<UInt64>.self)
                offset &+= 16
            } while offset < count
        } else {
            target.copyMemory(from: source, byteCount: count)
        }
        defer { byteCount &+= count }
        return Cell(kind: kind, bits: UInt64(truncatingIfNeeded: byteCount), length: UInt32(truncatingIfNeeded: count))
    }

    /// Stores bytes that the closure writes: at most `count`, it gives how many.
    @inlinable
    public mutating func store(
        _ kind: Cell.Kind, count: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int
    ) -> Cell {
        precondition(byteCount &+ count &+ Self.margin <= arena.count, "more bytes than there is room for")
        // safe: a buffer with room has an address.
        let written = write(arena.baseAddress.unsafelyUnwrapped + byteCount)
        precondition(written <= count, "more bytes than were announced")
        defer { byteCount &+= written }
        return Cell(
            kind: kind, bits: UInt64(truncatingIfNeeded: byteCount), length: UInt32(truncatingIfNeeded: written))
    }

    /// Appends a row of nulls, to be set by column, and gives its first cell's place.
    @inlinable
    public mutating func appendNulls(_ count: Int) -> Int {
        let first = cellCount
        for _ in 0..<count { append(.null) }
        return first
    }

    /// Sets a cell that was appended through this writer.
    @inlinable @inline(__always)
    public mutating func set(_ place: Int, _ cell: Cell) {
        precondition(place < cellCount, "no such cell")
        // safe: a buffer with a cell has an address.
        cells.baseAddress.unsafelyUnwrapped[place] = cell
    }
}

extension RowWriter {
    /// Stores a string of a tape as a column can hold it: U+FFFD for U+0000 and for lone surrogates.
    @inlinable @inline(__always)
    public mutating func store(_ kind: Cell.Kind, _ node: TapeNode, _ contents: TapeContents) -> Cell {
        let length = Int(node.length)
        if node.flags.contains(.escaped) {
            return store(kind, count: length) { contents.decode(node, into: $0) }
        }
        let offset = Int(node.offset)
        return store(kind, contents.bytes + offset, length, readable: contents.count &- offset)
    }
}
