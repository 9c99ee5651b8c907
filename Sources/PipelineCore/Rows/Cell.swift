/// One value of a row: a number in place, or a range of the buffer's arena. 16 bytes.
@frozen
public struct Cell: Sendable {
    /// How `bits` and `length` are to be read.
    @frozen
    public enum Kind: UInt8, Sendable {
        case null
        /// UTF-8 in the arena, without U+0000.
        case text
        /// `bits` is an `Int64`.
        case integer
        /// `bits` is the pattern of a finite `Double`.
        case real
        /// UTF-8 JSON in the arena.
        case json
        /// 24 bytes of ASCII in the arena, `2026-01-02T03:04:05.678Z`.
        case time
    }

    /// The offset into the arena, or the number itself.
    public var bits: UInt64
    /// Bytes in the arena; 0 for numbers and null.
    public var length: UInt32
    public var kind: Kind

    @inlinable
    public init(kind: Kind, bits: UInt64, length: UInt32) {
        self.kind = kind
        self.bits = bits
        self.length = length
    }

    @inlinable public static var null: Cell { Cell(kind: .null, bits: 0, length: 0) }
    @inlinable public static func integer(_ value: Int64) -> Cell {
        Cell(kind: .integer, bits: UInt64(bitPattern: value), length: 0)
    }
    /// - Precondition: `value` is finite.
    @inlinable public static func real(_ value: Double) -> Cell {
        Cell(kind: .real, bits: value.bitPattern, length: 0)
    }

    @inlinable public var integer: Int64 { Int64(bitPattern: bits) }
    @inlinable public var real: Double { Double(bitPattern: bits) }
}
