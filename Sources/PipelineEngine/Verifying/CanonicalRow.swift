internal import Crypto
package import PipelineCore

/// Brings the rows of a table into a form in which equal rows have equal bytes, whichever store they come from.
///
/// Texts and times as they are, integers as such, doubles by their bits with one zero, JSON by its value. A null is nothing
/// else. What stands in a column as another type than the column's differs from everything of that type.
package struct CanonicalRow: Sendable {
    /// The columns that are compared, with their places in the sink's own table.
    private let columns: [(name: String, place: Int, type: ColumnType)]
    private let keyColumns: [(name: String, place: Int, type: ColumnType)]
    private let ownerColumnCount: Int

    /// Of the row at hand: the key's bytes, which sort as keys do, and how many of them name its owner.
    package private(set) var key: [UInt8] = []
    package private(set) var ownerLength = 0
    private var bytes: [UInt8] = []
    /// Where each column's bytes end.
    private var ends: [Int] = []

    /// - Parameters:
    ///   - table: As the sink has it.
    ///   - names: The columns that are compared.
    package init(_ table: TableDefinition, comparing names: [String]) {
        func columns(_ names: [String]) -> [(name: String, place: Int, type: ColumnType)] {
            names.compactMap { name in table.index(of: name).map { (name, $0, table.columns[$0].type) } }
        }
        self.columns = columns(names)
        // All rows are of one run.
        keyColumns = columns(table.key.filter { $0 != "run_id" })
        ownerColumnCount = table.role == .endpointParts ? 2 : keyColumns.count
    }

    package var columnNames: [String] { columns.map(\.name) }

    /// Takes a row.
    ///
    /// - Parameter cells: All cells of the table, row by row.
    package mutating func load(
        _ row: Int, of cells: UnsafeBufferPointer<Cell>, columnCount: Int, _ arena: UnsafeRawBufferPointer
    ) {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        key.removeAll(keepingCapacity: true)
        let first = row * columnCount
        for column in columns {
            append(cells[first + column.place], column.type, arena)
            ends.append(bytes.count)
        }
        for (index, column) in keyColumns.enumerated() {
            Self.appendKey(cells[first + column.place], arena, to: &key)
            if index + 1 == ownerColumnCount { ownerLength = key.count }
        }
    }

    /// The first 16 bytes of SHA-256 over the row's form.
    package var hash: UInt128 {
        var hasher = SHA256()
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return hasher.finalize().withUnsafeBytes { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
    }

    /// A hash of each column alone, to tell which of them differ.
    package var columnHashes: [UInt64] {
        var start = 0
        return ends.map { end in
            defer { start = end }
            return FowlerNollVo.hash(bytes[start..<end])
        }
    }

    // MARK: Values

    private mutating func append(_ cell: Cell, _ type: ColumnType, _ arena: UnsafeRawBufferPointer) {
        switch (cell.kind, type) {
        case (.null, _): bytes.append(0)
        case (.integer, .real): append(Double(cell.integer))
        case (.integer, _): append(UInt8(ascii: "i"), cell.bits)
        case (.real, _): append(cell.real)
        case (.text, .json), (.time, .json), (.json, _):
            let start = bytes.count
            append(UInt8(ascii: "j"), 0)
            CanonicalJSON.append(Self.text(cell, arena), to: &bytes)
            setLength(at: start)
        case (.text, _), (.time, _):
            let text = Self.text(cell, arena)
            append(UInt8(ascii: "t"), UInt64(text.count))
            bytes.append(contentsOf: text)
        }
    }

    private mutating func append(_ number: Double) {
        append(UInt8(ascii: "r"), number == 0 ? 0 : number.isNaN ? Double.nan.bitPattern : number.bitPattern)
    }

    private mutating func append(_ tag: UInt8, _ word: UInt64) {
        bytes.append(tag)
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func setLength(at start: Int) {
        let length = UInt64(bytes.count - start - 9)
        withUnsafeBytes(of: length.bigEndian) { word in
            for (offset, byte) in word.enumerated() { bytes[start + 1 + offset] = byte }
        }
    }

    private static func text(_ cell: Cell, _ arena: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: arena[Int(cell.bits)..<Int(cell.bits) + Int(cell.length)])
    }

    // MARK: Keys

    /// Appends a key's value so that bytes sort as values do: null in front, texts ended by a zero byte, which they don't
    /// hold, integers with their sign turned over.
    package static func appendKey(_ cell: Cell, _ arena: UnsafeRawBufferPointer, to key: inout [UInt8]) {
        switch cell.kind {
        case .null: key.append(0)
        case .integer, .real:
            key.append(1)
            withUnsafeBytes(of: (cell.bits ^ 1 << 63).bigEndian) { key.append(contentsOf: $0) }
        case .text, .time, .json:
            key.append(2)
            key.append(contentsOf: text(cell, arena))
            key.append(0)
        }
    }

    /// A key's values by their columns, as JSON values.
    func describe(_ key: [UInt8]) -> [(name: String, value: KeyValue)] {
        var rest = key[...]
        return keyColumns.map { column in
            switch rest.popFirst() {
            case 1:
                let word = rest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                rest = rest.dropFirst(8)
                return (column.name, .integer(Int64(bitPattern: word ^ 1 << 63)))
            case 2:
                let text = rest.prefix { $0 != 0 }
                rest = rest.dropFirst(text.count + 1)
                return (column.name, .text(String(decoding: text, as: UTF8.self)))
            default: return (column.name, .null)
            }
        }
    }
}

/// One value of a key.
enum KeyValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)
}

/// FNV-1a of 64 bits, its bits mixed at the end (isthe.com/chongo/tech/comp/fnv; the mix is MurmurHash3's).
enum FowlerNollVo {
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
    }
}
