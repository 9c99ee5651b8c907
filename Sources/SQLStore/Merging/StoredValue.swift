public import PipelineCore

/// A value as a store gives it, in place.
public struct StoredValue {
    public var kind: Cell.Kind
    /// The number itself, of an integer or a real.
    public var bits: UInt64
    /// The bytes of a text, of JSON or of a time, valid for as long as the store says.
    public var bytes: UnsafeRawBufferPointer

    public init(kind: Cell.Kind, bits: UInt64, bytes: UnsafeRawBufferPointer) {
        self.kind = kind
        self.bits = bits
        self.bytes = bytes
    }

    public static var null: StoredValue {
        StoredValue(kind: .null, bits: 0, bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    }
    public static func integer(_ value: Int64) -> StoredValue {
        StoredValue(kind: .integer, bits: UInt64(bitPattern: value), bytes: null.bytes)
    }
    public static func real(_ value: Double) -> StoredValue {
        StoredValue(kind: .real, bits: value.bitPattern, bytes: null.bytes)
    }
    public static func bytes(_ kind: Cell.Kind, _ bytes: UnsafeRawBufferPointer) -> StoredValue {
        StoredValue(kind: kind, bits: 0, bytes: bytes)
    }

    /// Whether a cell of a batch would be stored as this very value: the same bytes, the same bits.
    @inlinable
    public func isSame(as cell: Cell, in arena: UnsafeRawBufferPointer) -> Bool {
        switch cell.kind {
        case .null: return kind == .null
        case .integer:
            if kind == .integer { return bits == cell.bits }
            // A number without a fraction in a column of reals.
            return kind == .real && bits == Double(cell.integer).bitPattern
        case .real:
            // A store that keeps numbers without a fraction as integers has one zero alone.
            return kind == .real && bits == cell.bits
                || kind == .integer && Double(Int64(bitPattern: bits)) == cell.real
        case .text, .json, .time: return kind == cell.kind && bytes.hasSameBytes(as: arena.bytes(of: cell))
        }
    }
}
