/// One value or member name of a `JSONTape`: where its source text stands and where its subtree ends. 16 bytes.
@frozen
public struct TapeNode: Sendable {
    @frozen
    public enum Kind: UInt8, Sendable {
        case null
        case `false`
        case `true`
        case number
        case string
        case array
        case object
    }

    @frozen
    public struct Flags: OptionSet, Sendable {
        public var rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A string with at least one backslash.
        @inlinable public static var escaped: Flags { Flags(rawValue: 1) }
        /// A string that holds U+0000.
        @inlinable public static var null: Flags { Flags(rawValue: 2) }
        /// A string that holds a surrogate without its partner.
        @inlinable public static var loneSurrogate: Flags { Flags(rawValue: 4) }
        /// A string, true or false, that is the name of a member; the member's value is the next node.
        @inlinable public static var name: Flags { Flags(rawValue: 8) }
        /// Not part of the document any more: a duplicate's earlier member (flag on the name), or an edit.
        @inlinable public static var dropped: Flags { Flags(rawValue: 16) }
        /// A number without fraction and exponent.
        @inlinable public static var integer: Flags { Flags(rawValue: 32) }
        /// A text that not every store can hold: U+0000 or a lone surrogate.
        @inlinable public static var unstorable: Flags { Flags(rawValue: 6) }
    }

    /// Where the source text begins; for a string behind its opening quote.
    public var offset: UInt32
    /// Bytes of source text; for a string without its quotes.
    public var length: UInt32
    /// The index of the first node behind this one's subtree.
    public var end: UInt32
    /// For a name: 16 bits of a hash of its decoded text, the same within one process.
    @usableFromInline var hash: UInt16
    public var kind: Kind
    public var flags: Flags

    @inlinable
    init(kind: Kind, flags: Flags = [], offset: Int, length: Int, end: Int, hash: UInt16 = 0) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.length = UInt32(truncatingIfNeeded: length)
        self.end = UInt32(truncatingIfNeeded: end)
        self.hash = hash
        self.kind = kind
        self.flags = flags
    }

    @inlinable public var isDropped: Bool { flags.contains(.dropped) }
    /// True for a string that any store can hold as text.
    @inlinable public var isStorable: Bool { flags.isDisjoint(with: .unstorable) }
}
